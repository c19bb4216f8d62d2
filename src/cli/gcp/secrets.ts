import type { Settings } from '../../platform/settings';
import { SECRETS, type Secret, type SecretName } from '../../platform/topology';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import type { Examination } from './project';
import { refusal } from './rest';

type Environment = Readonly<Record<string, string | undefined>>;

/** The secrets that the chosen parts of the settings need. */
export function secretsOf({ tracking, inference, temporal }: Settings, env: Environment): Secret[] {
  const needed: Record<SecretName, boolean> = {
    'titrate-wandb-api-key': tracking.engine === 'wandb',
    'titrate-inference-keys': inference.auth.mode === 'keys',
    'titrate-temporal-api-key': Boolean(temporal.apiKeyFile ?? env.TITRATE_TEMPORAL_API_KEY),
  };
  return SECRETS.filter(({ name }) => needed[name]);
}

/** A secret has a version that is enabled. Its value is not asked for. */
export async function checkSecret(
  { rest, project }: Examination,
  { name, variable }: Secret,
): Promise<Finding> {
  const check = `secret ${name}`;
  const { ok, fail } = findings(check);
  const mend = `Run: printf %s "$${variable}" | gcloud secrets versions add ${name} --data-file=- --project ${project}`;
  const answer = await rest.get('secretmanager', `v1/projects/${project}/secrets/${name}/versions/latest`);
  if (answer.status === 404) return fail('there is none, or it has no value', mend);
  if (answer.status !== 200)
    return refusal(check, answer, {
      service: 'secretmanager',
      permission: 'secretmanager.versions.get',
      project,
    });
  const state = String(answer.body.state);
  return state === 'ENABLED' ? ok('has a value') : fail(`its latest version is ${state}`, mend);
}
