import { asTitrateError } from '../../contracts';
import type { Settings } from '../../platform/settings';
import { createWandbApi, operation } from '../../tracking/wandb/api';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';

type Environment = Readonly<Record<string, string | undefined>>;

const VIEWER = operation<object, { viewer: { username: string | null } | null }>(
  'query TitrateViewer { viewer { username } }',
);
const TIMEOUT_MS = 15_000;

/** The key of Weights & Biases that this process has; in the cluster it is the secret's, which is looked at by itself. */
export async function checkWandb({ tracking }: Settings, env: Environment): Promise<Finding> {
  const { ok, fail } = findings('W&B key');
  const { endpoint, entity, project } = tracking;
  const apiKey = env.WANDB_API_KEY;
  if (!apiKey) return ok('none in this environment; the deploy worker has the one of its secret');
  const remedy =
    'Take a key from https://wandb.ai/authorize for WANDB_API_KEY and the secret titrate-wandb-api-key';
  try {
    const api = createWandbApi({ baseUrl: endpoint, entity: entity!, project, apiKey });
    const { viewer } = await api.call(VIEWER, {}, AbortSignal.timeout(TIMEOUT_MS));
    return viewer
      ? ok(`of ${viewer.username ?? 'a user'}, at ${endpoint}`)
      : fail(`${endpoint} does not know it`, remedy);
  } catch (error) {
    const { what } = asTitrateError(error).parts;
    return fail(`${endpoint}: ${what}`, remedy);
  }
}
