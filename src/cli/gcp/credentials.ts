import type { Finding } from '../doctor-checks';
import { findings } from './finding';

export interface Credentials {
  readonly finding: Finding;
  /** null: there are none. */
  readonly token: (() => Promise<string>) | null;
  /** Of a service account; null for a person's own. */
  readonly email: string | null;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const MEND =
  'Run: gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to the file of an account';

/** The credentials that Google's libraries would use here (Application Default Credentials), tried once. */
export async function findCredentials(projectId: string): Promise<Credentials> {
  const { ok, fail } = findings('credentials');
  const { GoogleAuth } = await import('google-auth-library');
  const auth = new GoogleAuth({ scopes: [SCOPE], projectId });
  const asked = async () => {
    const { token } = await (await auth.getClient()).getAccessToken();
    if (!token) throw new Error('the credentials give no token');
    return token;
  };
  try {
    await asked();
  } catch (error) {
    const said = (error as Error).message.split('\n')[0]!.slice(0, 300);
    return { finding: fail(said, MEND), token: null, email: null };
  }
  // Who a person is, is not in their credentials; a service account's is.
  const email = await auth.getCredentials().then(
    ({ client_email }) => client_email ?? null,
    () => null,
  );
  return { finding: ok(email ?? "a person's own"), token: asked, email };
}
