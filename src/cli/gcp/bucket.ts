import type { Finding } from '../doctor-checks';
import { findings } from './finding';
import type { Examination } from './project';
import { refusal } from './rest';

/** Of a bucket, what is looked at (cloud.google.com/storage/docs/json_api/v1/buckets). */
interface Bucket {
  readonly location?: string;
  readonly versioning?: { readonly enabled?: boolean };
  readonly iamConfiguration?: {
    readonly publicAccessPrevention?: string;
    readonly uniformBucketLevelAccess?: { readonly enabled?: boolean };
  };
  readonly lifecycle?: {
    readonly rule?: readonly {
      readonly action?: { readonly type?: string };
      readonly condition?: {
        readonly daysSinceCustomTime?: number;
        readonly daysSinceNoncurrentTime?: number;
      };
    }[];
  };
}

const EVERYBODY = ['allUsers', 'allAuthenticatedUsers'];

/** The bucket of objects: there, in its place, versioned, closed to the public, with the rules that it needs. */
export async function checkBucket({ settings, rest, project }: Examination): Promise<Finding[]> {
  const check = 'bucket';
  const { ok, fail } = findings(check);
  const name = settings.objects.bucket!;
  const answer = await rest.get('storage', `storage/v1/b/${name}`);
  const prepare = 'scripts/titrate data prepare';
  if (answer.status === 404)
    return [fail(`there is no bucket gs://${name}`, `Apply infra/terraform, or run: ${prepare}`)];
  if (answer.status !== 200)
    return [refusal(check, answer, { service: 'storage', permission: 'storage.buckets.get', project })];
  const bucket = answer.body as Bucket;
  const update = `gcloud storage buckets update gs://${name}`;
  const found: Finding[] = [];
  const { location } = settings.google;
  if (bucket.location?.toUpperCase() !== location.toUpperCase())
    found.push(
      fail(
        `gs://${name} lies in ${bucket.location}, and the settings say ${location}`,
        `Set google.location (TITRATE_GOOGLE_LOCATION) to ${bucket.location}, or name another bucket: a bucket cannot be moved`,
      ),
    );
  if (bucket.versioning?.enabled !== true)
    found.push(
      fail(`gs://${name} keeps no versions: what is overwritten is lost`, `Run: ${update} --versioning`),
    );
  const access = bucket.iamConfiguration;
  if (access?.publicAccessPrevention !== 'enforced' || access.uniformBucketLevelAccess?.enabled !== true)
    found.push(
      fail(
        `gs://${name} may be opened to the public`,
        `Run: ${update} --public-access-prevention --uniform-bucket-level-access`,
      ),
    );
  const rules = bucket.lifecycle?.rule ?? [];
  const has = (key: 'daysSinceCustomTime' | 'daysSinceNoncurrentTime') =>
    rules.some(({ action, condition }) => action?.type === 'Delete' && condition?.[key] !== undefined);
  if (!has('daysSinceCustomTime') || !has('daysSinceNoncurrentTime'))
    found.push(fail(`gs://${name} never deletes old landings or replaced generations`, `Run: ${prepare}`));
  found.push(...(await openBindings(name)));
  return found.length > 0 ? found : [ok(`gs://${name}, ${location}: versioned, closed, with its rules`)];

  async function openBindings(bucketName: string): Promise<Finding[]> {
    const policy = await rest.get(
      'storage',
      `storage/v1/b/${bucketName}/iam?optionsRequestedPolicyVersion=3`,
    );
    if (policy.status !== 200)
      return [
        refusal(check, policy, { service: 'storage', permission: 'storage.buckets.getIamPolicy', project }),
      ];
    const { bindings = [] } = policy.body as { bindings?: { role: string; members?: string[] }[] };
    return bindings.flatMap(({ role, members = [] }) =>
      members
        .filter((member) => EVERYBODY.includes(member))
        .map((member) =>
          fail(
            `gs://${bucketName} is open to ${member} as ${role}`,
            `Run: gcloud storage buckets remove-iam-policy-binding gs://${bucketName} --member=${member} --role=${role}`,
          ),
        ),
    );
  }
}

/** The Flex Template that Dataflow's jobs are launched from. */
export async function checkTemplate({ settings, rest, project }: Examination): Promise<Finding> {
  const check = 'Dataflow template';
  const { ok, fail } = findings(check);
  const template = settings.processing.template!;
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(template) ?? [];
  if (!bucket || !name)
    return fail(`'${template}' is no object`, 'Write processing.template as gs://bucket/path.json');
  const answer = await rest.get('storage', `storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
  if (answer.status === 200) return ok(template);
  if (answer.status === 404)
    return fail(
      `${template} is not there`,
      `Run: gcloud dataflow flex-template build ${template} --image IMAGE@sha256:DIGEST --sdk-language PYTHON --metadata-file infra/dataflow/metadata.json --project ${project}`,
    );
  return refusal(check, answer, { service: 'storage', permission: 'storage.objects.get', project });
}
