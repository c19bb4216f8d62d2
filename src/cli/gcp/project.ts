import type { Settings } from '../../platform/settings';
import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import { refusal, type GoogleRest } from './rest';

/** What is asked with: nothing of it changes anything. */
export interface Examination {
  readonly settings: Settings;
  readonly project: string;
  readonly rest: GoogleRest;
  /** Of the account that asks, where it is a service account. */
  readonly email: string | null;
}

/** APIs that the chosen parts of the settings call. */
export function apisOf({ objects, warehouse, processing, training, rollout }: Settings): string[] {
  const vertex = training.engine === 'vertex' || training.tuner === 'vizier' || training.uploadModels;
  const kubernetes = rollout.engine === 'kubernetes';
  const names = [
    'cloudresourcemanager',
    'iam',
    'serviceusage',
    ...(objects.store === 'gcs' ? ['storage'] : []),
    ...(warehouse.engine === 'bigquery' ? ['bigquery'] : []),
    ...(processing.engine === 'dataflow' ? ['dataflow', 'compute'] : []),
    ...(vertex ? ['aiplatform'] : []),
    ...(kubernetes ? ['container', 'compute'] : []),
    ...(vertex || kubernetes || processing.engine === 'dataflow' ? ['artifactregistry'] : []),
    'secretmanager',
  ];
  return [...new Set(names)].sort().map((name) => `${name}.googleapis.com`);
}

/** The project is there and open. */
export async function checkProject({ project, rest }: Examination): Promise<Finding> {
  const check = 'project';
  const { ok, fail } = findings(check);
  const answer = await rest.get('cloudresourcemanager', `v3/projects/${project}`);
  if (answer.status === 404 || (answer.status === 403 && answer.reason !== 'SERVICE_DISABLED'))
    return fail(
      `there is no project '${project}' that this account may see (${answer.said})`,
      `Name the project in google.project (TITRATE_GOOGLE_PROJECT); its id is in: gcloud projects list`,
    );
  if (answer.status !== 200)
    return refusal(check, answer, {
      service: 'cloudresourcemanager',
      permission: 'resourcemanager.projects.get',
      project,
    });
  const state = String(answer.body.state);
  return state === 'ACTIVE'
    ? ok(project)
    : fail(`${project} is ${state}`, `Run: gcloud projects undelete ${project}`);
}

/** Every API that the chosen parts call is enabled. */
export async function checkApis({ settings, project, rest }: Examination): Promise<Finding> {
  const check = 'APIs';
  const enabled = new Set<string>();
  let page = '';
  do {
    const answer = await rest.get(
      'serviceusage',
      `v1/projects/${project}/services?filter=state:ENABLED&pageSize=200${page}`,
    );
    if (answer.status !== 200)
      return refusal(check, answer, {
        service: 'serviceusage',
        permission: 'serviceusage.services.list',
        project,
      });
    const { services = [], nextPageToken } = answer.body as {
      services?: { name: string }[];
      nextPageToken?: string;
    };
    for (const { name } of services) enabled.add(name.split('/').at(-1)!);
    page = nextPageToken ? `&pageToken=${encodeURIComponent(nextPageToken)}` : '';
  } while (page);
  const needed = apisOf(settings);
  const missing = needed.filter((name) => !enabled.has(name));
  const { ok, fail } = findings(check);
  if (missing.length === 0) return ok(`${needed.length} enabled`);
  return fail(
    `not enabled: ${missing.join(', ')}`,
    `Run: gcloud services enable ${missing.join(' ')} --project ${project}`,
  );
}

/** Beyond this, tokens that this machine signs are refused, ms: Google takes a signed time of five minutes' age. */
const SKEW_FAILS_MS = 5 * 60_000;
const SKEW_WARNS_MS = 30_000;

/** This clock against Google's, by the answers that were given so far. */
export function checkClock({ rest }: Examination): Finding {
  const { ok, warn, fail } = findings('clock');
  const skew = rest.skewMs();
  if (skew === null) return warn('no answer told the time', 'Run it again when a server can be reached');
  const found = `${(Math.abs(skew) / 1000).toFixed(0)} s ${skew > 0 ? 'ahead of' : 'behind'} Google's`;
  const remedy = 'Let this machine keep time: sudo timedatectl set-ntp true';
  if (Math.abs(skew) >= SKEW_FAILS_MS) return fail(found, remedy);
  return Math.abs(skew) >= SKEW_WARNS_MS ? warn(found, remedy) : ok(found);
}
