import { PLATFORM_SCALERS } from '../../platform/topology';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import type { Examination } from './project';
import { refusal } from './rest';

/** `NVIDIA_TESLA_T4`, `nvidia-tesla-t4` → `nvidia_t4`, as both services name their quotas. */
const acceleratorOf = (type: string) => type.toLowerCase().replaceAll('-', '_').replace('tesla_', '');

const ask = (project: string, region: string) =>
  `ask for more, for the region ${region}: https://console.cloud.google.com/iam-admin/quotas?project=${project}`;

interface Quota {
  readonly metric?: string;
  readonly limit?: number;
  readonly usage?: number;
}

/** GPUs of the region for the node pool of the gpu workers. */
export async function checkComputeQuota({ settings, rest, project }: Examination): Promise<Finding> {
  const check = 'GPUs of the cluster';
  const { ok, warn } = findings(check);
  const { region } = settings.google;
  const pool = PLATFORM_SCALERS.find(({ by, accelerator }) => by === 'node-pool' && accelerator)!;
  const metric = `${acceleratorOf(pool.accelerator!.type)}_gpus`.toUpperCase();
  const answer = await rest.get('compute', `compute/v1/projects/${project}/regions/${region}`);
  if (answer.status === 404)
    return findings(check).fail(
      `there is no region '${region}'`,
      'Set google.region (TITRATE_GOOGLE_REGION) to one of: gcloud compute regions list',
    );
  if (answer.status !== 200)
    return refusal(check, answer, { service: 'compute', permission: 'compute.regions.get', project });
  const quotas = (answer.body.quotas ?? []) as Quota[];
  const { limit = 0, usage = 0 } = quotas.find((quota) => quota.metric === metric) ?? {};
  const found = `${metric} in ${region}: ${usage} of ${limit}`;
  const most = pool.bounds.prod.max;
  if (limit < 1)
    return warn(
      found,
      `Where the cluster has a GPU pool (environment prod), gpu workers will wait for ever: ${ask(project, region)}`,
    );
  if (limit < most)
    return warn(found, `The GPU pool grows to ${most} nodes: lower gpu_nodes, or ${ask(project, region)}`);
  return ok(found);
}

interface Limits {
  readonly consumerQuotaLimits?: readonly {
    readonly quotaBuckets?: readonly {
      readonly effectiveLimit?: string;
      readonly dimensions?: Readonly<Record<string, string>>;
    }[];
  }[];
}

/** GPUs of Vertex AI's custom jobs: a quota of its own, named after the accelerator and how machines are had. */
export async function checkVertexQuota({ settings, rest, project }: Examination): Promise<Finding> {
  const check = 'GPUs of Vertex AI';
  const { ok, warn, fail } = findings(check);
  const { region } = settings.google;
  const { acceleratorType, acceleratorCount, strategy } = settings.training;
  const kind = strategy === 'spot' ? 'preemptible_' : '';
  const metric = `aiplatform.googleapis.com/custom_model_training_${kind}${acceleratorOf(acceleratorType)}_gpus`;
  const answer = await rest.get(
    'serviceusage',
    `v1beta1/projects/${project}/services/aiplatform.googleapis.com/consumerQuotaMetrics/${encodeURIComponent(metric)}`,
  );
  if (answer.status === 404)
    return warn(
      `Vertex AI has no quota ${metric}`,
      'Look whether training.acceleratorType is one of Vertex AI, and one of the region',
    );
  if (answer.status !== 200)
    return refusal(check, answer, {
      service: 'serviceusage',
      permission: 'serviceusage.quotas.get',
      project,
    });
  const buckets = ((answer.body as Limits).consumerQuotaLimits ?? []).flatMap(
    ({ quotaBuckets }) => quotaBuckets ?? [],
  );
  const own = buckets.find(({ dimensions }) => dimensions?.region === region);
  const general = buckets.find(({ dimensions }) => !dimensions?.region);
  const said = Number((own ?? general)?.effectiveLimit ?? 0);
  const limit = said < 0 ? Infinity : said;
  const found = `${metric.split('/')[1]} in ${region}: ${limit === Infinity ? 'no limit' : limit}`;
  if (limit < acceleratorCount)
    return fail(
      `${found}; a job takes ${acceleratorCount}`,
      `Set training.acceleratorCount to 0 or choose another training.strategy, or ${ask(project, region)}`,
    );
  return ok(found);
}
