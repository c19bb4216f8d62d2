import { asTitrateError } from '../../contracts';
import type { Settings } from '../../platform/settings';
import type { Finding } from '../doctor-checks';
import { checkBucket, checkTemplate } from './bucket';
import { checkCluster } from './cluster';
import { findCredentials } from './credentials';
import { checkDataset } from './dataset';
import { findings } from './finding';
import { checkImage, imagesOf } from './images';
import { checkBindings, checkOwnPermissions } from './permissions';
import { checkApis, checkClock, checkProject, type Examination } from './project';
import { checkComputeQuota, checkVertexQuota } from './quotas';
import { createGoogleRest } from './rest';
import { checkSecret, secretsOf } from './secrets';
import { checkTemporal } from './temporal';
import { checkWandb } from './wandb';

type Environment = Readonly<Record<string, string | undefined>>;
type Look = [name: string, look: () => Promise<Finding | Finding[]>];

/** A look that fails is a finding, and no end of the examination. */
async function looked([name, look]: Look): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    const { what, where, remedy } = asTitrateError(error).parts;
    return [findings(name).fail(where ? `${where}: ${what}` : what, remedy ?? 'Please report this')];
  }
}

function looks(examination: Examination, env: Environment): Look[] {
  const { settings } = examination;
  const { objects, warehouse, processing, training, rollout, tracking } = settings;
  const gpus = training.engine === 'vertex' && training.acceleratorCount > 0;
  const all: (Look | false)[] = [
    ['permissions', () => checkOwnPermissions(examination)],
    ['roles', () => checkBindings(examination)],
    objects.store === 'gcs' && ['bucket', () => checkBucket(examination)],
    warehouse.engine === 'bigquery' && ['dataset', () => checkDataset(examination)],
    processing.engine === 'dataflow' && ['Dataflow template', () => checkTemplate(examination)],
    rollout.engine === 'kubernetes' && ['GPUs of the cluster', () => checkComputeQuota(examination)],
    gpus && ['GPUs of Vertex AI', () => checkVertexQuota(examination)],
    ...imagesOf(settings).map(([setting, image]): Look => [
      `image of ${setting}`,
      () => checkImage(examination, setting, image),
    ]),
    ...secretsOf(settings, env).map((secret): Look => [
      `secret ${secret.name}`,
      () => checkSecret(examination, secret),
    ]),
    rollout.engine === 'kubernetes' && ['Kubernetes', () => checkCluster(examination)],
    tracking.engine === 'wandb' && ['W&B key', () => checkWandb(settings, env)],
  ];
  return all.filter((look): look is Look => look !== false);
}

/** What the Google side of an installation needs. Without credentials or a project the rest is not asked, and says so once. */
async function checkGoogle(settings: Settings, env: Environment): Promise<Finding[]> {
  const { project } = settings.google;
  if (!project)
    return [
      findings('project').fail('the settings name none', 'Set google.project (TITRATE_GOOGLE_PROJECT)'),
    ];
  const { finding, token, email } = await findCredentials(project);
  if (!token) return [finding];
  const rest = createGoogleRest(settings, token);
  const examination: Examination = { settings, project, rest, email };
  const first = await looked(['project', () => checkProject(examination)]);
  const open = first.every(({ verdict }) => verdict !== 'fail');
  const apis = open ? await looked(['APIs', () => checkApis(examination)]) : [];
  const others = open ? await Promise.all(looks(examination, env).map(looked)) : [];
  return [finding, ...first, checkClock(examination), ...apis, ...others.flat()];
}

/** `titrate doctor --profile gcp`: reads only. Google and Temporal are asked at the same time. */
export async function checkCloud(settings: Settings, env: Environment = process.env): Promise<Finding[]> {
  const [google, temporal] = await Promise.all([checkGoogle(settings, env), checkTemporal(settings)]);
  return [...google, ...temporal];
}
