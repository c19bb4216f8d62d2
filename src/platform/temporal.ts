import { Client, Connection } from '@temporalio/client';
import { TitrateError } from '../contracts';
import type { Settings } from './settings';
import { speaksTls, temporalAddress, temporalConnection } from './temporal-connection';
import { addSearchAttributes, listSearchAttributes } from './temporal-search-attributes';

export { temporalAddress, temporalConnection } from './temporal-connection';

/** @throws TitrateError config-invalid; unavailable, saying how to start a server or what may be wrong with the connection to one. */
export async function connectTemporal(settings: Pick<Settings, 'temporal'>): Promise<Connection> {
  const options = temporalConnection(settings);
  try {
    return await Connection.connect({ ...options, connectTimeout: '5s' });
  } catch (error) {
    throw unreachable(settings, error);
  }
}

/** What is said when the Temporal server of the settings cannot be reached, or does not want this side. */
export function unreachable(settings: Pick<Settings, 'temporal'>, cause: unknown): TitrateError {
  const where = temporalAddress(settings);
  const said = wordsOf(cause);
  if (/UNAUTHENTICATED|PERMISSION_DENIED|Unauthorized/i.test(said)) {
    const remedy =
      'Look at the API key (TITRATE_TEMPORAL_API_KEY, temporal.apiKeyFile) and at the certificate';
    const what = `the Temporal server refuses this side: ${said}`;
    return new TitrateError('unauthenticated', { what, where, remedy }, { cause });
  }
  const remedy = speaksTls(settings)
    ? 'Does it speak TLS, and is its certificate one of temporal.tls.caFile, for the host or for temporal.tls.serverName? Does it want temporal.tls.certFile and keyFile?'
    : "Start one with 'titrate up', or set TITRATE_TEMPORAL_HOST and TITRATE_TEMPORAL_PORT; a server that speaks TLS needs TITRATE_TEMPORAL_TLS=on";
  return new TitrateError('unavailable', { what: 'no Temporal server answers', where, remedy }, { cause });
}

/** The client wraps what the server says. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause ? `${error.message}: ${wordsOf(error.cause)}` : error.message;
}

export async function openClient(settings: Pick<Settings, 'temporal'>): Promise<Client> {
  return new Client({ connection: await connectTemporal(settings), namespace: settings.temporal.namespace });
}

/**
 * Registers the search attributes that are missing. Any number of workers may do so at once.
 * @throws TitrateError contradiction (one of another type), forbidden (a server that lets nobody add them)
 */
export async function registerSearchAttributes(settings: Pick<Settings, 'temporal'>): Promise<void> {
  const connection = await connectTemporal(settings);
  try {
    const { namespace } = settings.temporal;
    const known = await listSearchAttributes(connection, namespace);
    await addSearchAttributes(connection, namespace, { known });
  } finally {
    await connection.close();
  }
}
