import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/foundation';
import { broadness, IDENTITIES, PERMISSIONS, SECRETS, type IdentityName } from '../../src/platform/topology';
import { googleCalls } from '../support/google-calls';

/** Whose calls they are: those of the identities named, or of the person who sets an installation up (`titrate data prepare`). */
type Who = readonly IdentityName[] | 'set-up';
interface Needed {
  readonly who: Who;
  readonly permissions: readonly string[];
}

const STORES: Who = [
  'titrate-featurization',
  'titrate-gpu',
  'titrate-warehouse',
  'titrate-deploy',
  'titrate-dataflow',
  'titrate-training',
];
const READERS: Who = [...STORES, 'titrate-inference'];
const by = (who: Who, ...permissions: string[]): Needed => ({ who, permissions });
/** Nothing is asked of a server; or of one, what the call that it belongs to has asked for already. */
const NOTHING = by([]);

/** A call, by the method and the folder it is made in, and the permissions that Google's documentation says it needs. */
const CALLS: Readonly<Record<string, Readonly<Record<string, Needed>>>> = {
  'src/objects': {
    'Bucket.file': NOTHING,
    'Storage.bucket': NOTHING,
    // Of objects; of the bucket only where it is prepared.
    'ServiceObject.getMetadata': by(READERS, 'storage.objects.get'),
    'Bucket.getFiles': by(READERS, 'storage.objects.list'),
    'File.createReadStream': by(READERS, 'storage.objects.get'),
    // Over another generation it deletes that one.
    'File.createWriteStream': by(STORES, 'storage.objects.create', 'storage.objects.delete'),
    'File.setMetadata': by(STORES, 'storage.objects.update'),
    'File.delete': by(STORES, 'storage.objects.delete'),
    // rewriteTo
    'File.request': by(STORES, 'storage.objects.get', 'storage.objects.create', 'storage.objects.delete'),
    'Storage.createBucket': by('set-up', 'storage.buckets.create'),
    'Bucket.setMetadata': by('set-up', 'storage.buckets.update'),
  },
  'src/sources/transports': {
    'Bucket.file': NOTHING,
    'Storage.bucket': NOTHING,
    'BigQuery.dataset': NOTHING,
    'BigQuery.job': NOTHING,
    'Dataset.table': NOTHING,
    'CRC32C.update': NOTHING,
    'CRC32C.validate': NOTHING,
    'CRC32C.toString': NOTHING,
    'GoogleAuth.getRequestHeaders': NOTHING,
    // Reading what others keep is theirs to grant; that this project pays for it is not.
    'ServiceObject.getMetadata': by(['titrate-warehouse'], 'serviceusage.services.use'),
    'File.createReadStream': by(['titrate-warehouse'], 'serviceusage.services.use'),
    'BigQuery.createQueryJob': by(['titrate-warehouse'], 'bigquery.jobs.create'),
    // Of one's own jobs, which asks for no more than making them did.
    'Job.getQueryResults': NOTHING,
    'Job.cancel': NOTHING,
  },
  'src/warehouse/bigquery': {
    'BigQuery.dataset': NOTHING,
    'BigQuery.job': NOTHING,
    'Dataset.table': NOTHING,
    'Job.getQueryResults': NOTHING,
    'BigQuery.createQueryJob': by(
      ['titrate-warehouse'],
      ...['bigquery.jobs.create', 'bigquery.tables.getData', 'bigquery.tables.updateData'],
    ),
    'BigQuery.createJob': by(['titrate-warehouse'], 'bigquery.jobs.create', 'bigquery.tables.updateData'),
    'Service.request': by(['titrate-warehouse'], 'bigquery.jobs.create', 'bigquery.tables.updateData'),
    'ServiceObject.exists': by(['titrate-warehouse'], 'bigquery.datasets.get', 'bigquery.tables.get'),
    'ServiceObject.getMetadata': by(['titrate-warehouse'], 'bigquery.tables.get'),
    'ServiceObject.delete': by(['titrate-warehouse'], 'bigquery.tables.delete'),
    'Dataset.createTable': by(['titrate-warehouse'], 'bigquery.tables.create'),
    'Table.setMetadata': by(['titrate-warehouse'], 'bigquery.tables.update'),
    'ServiceObject.create': by('set-up', 'bigquery.datasets.create'),
  },
  'src/processing/dataflow': {
    'JobsV1Beta3Client.listJobsAsync': by(['titrate-featurization'], 'dataflow.jobs.list'),
    'JobsV1Beta3Client.getJob': by(['titrate-featurization'], 'dataflow.jobs.get'),
    'JobsV1Beta3Client.updateJob': by(['titrate-featurization'], 'dataflow.jobs.cancel'),
    'FlexTemplatesServiceClient.launchFlexTemplate': by(
      ['titrate-featurization'],
      ...['dataflow.jobs.create', 'storage.objects.get', 'iam.serviceAccounts.actAs'],
    ),
    'MessagesV1Beta3Client.listJobMessagesAsync': by(['titrate-featurization'], 'dataflow.messages.list'),
    'FlexTemplatesServiceClient.close': NOTHING,
    'JobsV1Beta3Client.close': NOTHING,
    'MessagesV1Beta3Client.close': NOTHING,
  },
  'src/observability/cloud-monitoring': {
    // A Dataflow worker has the right by the role that Dataflow asks for.
    'MetricServiceClient.createTimeSeries': by(
      ['titrate-training', 'titrate-dataflow'],
      'monitoring.timeSeries.create',
    ),
    'MetricServiceClient.getProjectId': NOTHING,
    'MetricServiceClient.close': NOTHING,
  },
  'src/training/vertex': {
    'JobServiceClient.listCustomJobsAsync': by(['titrate-gpu'], 'aiplatform.customJobs.list'),
    'JobServiceClient.createCustomJob': by(
      ['titrate-gpu'],
      ...['aiplatform.customJobs.create', 'iam.serviceAccounts.actAs'],
    ),
    'JobServiceClient.getCustomJob': by(['titrate-gpu'], 'aiplatform.customJobs.get'),
    'JobServiceClient.cancelCustomJob': by(['titrate-gpu'], 'aiplatform.customJobs.cancel'),
    'JobServiceClient.close': NOTHING,
    'ModelServiceClient.getModel': by(['titrate-deploy'], 'aiplatform.models.get'),
    'ModelServiceClient.uploadModel': by(
      ['titrate-deploy'],
      ...['aiplatform.models.upload', 'iam.serviceAccounts.actAs'],
    ),
    'ModelServiceClient.checkUploadModelProgress': by(['titrate-deploy'], 'aiplatform.operations.list'),
    'ModelServiceClient.close': NOTHING,
    'VizierServiceClient.lookupStudy': by(
      ['titrate-gpu'],
      'aiplatform.studies.get',
      'aiplatform.studies.list',
    ),
    'VizierServiceClient.createStudy': by(['titrate-gpu'], 'aiplatform.studies.create'),
    'VizierServiceClient.listTrialsAsync': by(['titrate-gpu'], 'aiplatform.trials.list'),
    'VizierServiceClient.suggestTrials': by(['titrate-gpu'], 'aiplatform.trials.create'),
    'VizierServiceClient.addTrialMeasurement': by(['titrate-gpu'], 'aiplatform.trials.update'),
    'VizierServiceClient.checkTrialEarlyStoppingState': by(['titrate-gpu'], 'aiplatform.trials.get'),
    'VizierServiceClient.stopTrial': by(['titrate-gpu'], 'aiplatform.trials.update'),
    'VizierServiceClient.completeTrial': by(['titrate-gpu'], 'aiplatform.trials.update'),
    'VizierServiceClient.listOptimalTrials': by(['titrate-gpu'], 'aiplatform.trials.list'),
    'VizierServiceClient.getTrial': by(['titrate-gpu'], 'aiplatform.trials.get'),
    'VizierServiceClient.close': NOTHING,
    'LROperation.promise': by(['titrate-gpu'], 'aiplatform.operations.list'),
  },
};

const entries = () =>
  IDENTITIES.flatMap(({ name }) => PERMISSIONS[name].map((entry) => ({ name, ...entry })));
const permissionsOf = (name: IdentityName) =>
  new Set(PERMISSIONS[name].flatMap((entry) => entry.permissions));

describe('permissions', () => {
  let calls: ReturnType<typeof googleCalls>;
  beforeAll(() => {
    calls = googleCalls();
  }, 300_000);

  test('every call of a Google client has its permissions written down', () => {
    const unknown = calls.filter(({ method, at }) => CALLS[path.dirname(at)]?.[method] === undefined);
    expect(unknown).toEqual([]);
    const made = new Set(calls.map(({ method, at }) => `${path.dirname(at)} ${method}`));
    const written = Object.entries(CALLS).flatMap(([folder, methods]) =>
      Object.keys(methods).map((method) => `${folder} ${method}`),
    );
    expect(written.filter((one) => !made.has(one))).toEqual([]);
  });

  test('who makes a call may make it', () => {
    const refused = calls.flatMap(({ method, at }) => {
      const { who, permissions } = CALLS[path.dirname(at)]?.[method] ?? NOTHING;
      if (who === 'set-up') return [];
      return who.flatMap((name) =>
        permissions.filter((one) => !permissionsOf(name).has(one)).map((one) => `${name} ${one} (${at})`),
      );
    });
    expect(refused).toEqual([]);
  });

  test('what only a set-up does, nobody may do who runs', () => {
    const setUp = Object.values(CALLS)
      .flatMap((methods) => Object.values(methods))
      .filter(({ who }) => who === 'set-up')
      .flatMap(({ permissions }) => permissions);
    expect(entries().filter(({ permissions }) => permissions.some((one) => setUp.includes(one)))).toEqual([]);
  });

  test('workers and servers have no right that no call of theirs needs', () => {
    const needed = (name: IdentityName) =>
      Object.values(CALLS)
        .flatMap((methods) => Object.values(methods))
        .filter(({ who }) => who !== 'set-up' && who.includes(name))
        .flatMap(({ permissions }) => permissions);
    const idle = IDENTITIES.filter(({ by: means }) => means === 'pod').flatMap(({ name }) =>
      [...permissionsOf(name)]
        .filter((one) => one !== 'secretmanager.versions.access' && !needed(name).includes(one))
        .map((one) => `${name} ${one}`),
    );
    expect(idle).toEqual([]);
  });

  test('the doctor names no permission that titrate-operator lacks, and asks no service without one', () => {
    const folder = path.join(packageRoot, 'src/cli/gcp');
    const text = readdirSync(folder)
      .map((name) => readFileSync(path.join(folder, name), 'utf8'))
      .join('\n');
    const named = [...text.matchAll(/permission: '([^']+)'/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(8);
    const has = permissionsOf('titrate-operator');
    expect(named.filter((permission) => !has.has(permission))).toEqual([]);
    const asked = new Set([...text.matchAll(/rest\.(?:get|post)\(\s*'(\w+)'/g)].map((match) => match[1]!));
    // Named as the API is, but for the one that has another name.
    const prefixes: Record<string, string> = { cloudresourcemanager: 'resourcemanager' };
    const lacking = [...asked].filter(
      (service) => ![...has].some((one) => one.startsWith(`${prefixes[service] ?? service}.`)),
    );
    expect(lacking).toEqual([]);
  });

  test('no role is broad', () => {
    expect(
      entries()
        .map(({ name, role, on }) => ({ name, why: broadness(role, on) }))
        .filter(({ why }) => why !== null),
    ).toEqual([]);
  });

  test.each([
    ...['roles/owner', 'roles/editor', 'roles/viewer', 'roles/storage.admin', 'roles/iam.securityAdmin'],
    ...['roles/storage.objectAdmin', 'roles/dataflow.admin', 'roles/bigquery.admin', 'roles/aiplatform.user'],
    ...[
      'roles/iam.serviceAccountTokenCreator',
      'roles/iam.serviceAccountUser',
      'roles/container.clusterAdmin',
    ],
    ...[
      'roles/secretmanager.secretAccessor',
      'roles/resourcemanager.projectIamAdmin',
      'roles/compute.instanceAdmin.v1',
    ],
  ])('%s on the project is broad', (role) => expect(broadness(role, 'project')).not.toBeNull());

  test('nor does a broad one stand in Terraform, the manifests or the pipelines', () => {
    const folders = ['infra/terraform', 'infra/kubernetes', 'infra/ci', '.github'];
    const files = folders
      .filter((folder) => existsSync(path.join(packageRoot, folder)))
      .flatMap((folder) =>
        readdirSync(path.join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
          // What is bound comes from topology.json; tests name what must not be.
          .filter((name) => /\.(tf|ya?ml|json|sh|cjs)$/.test(name) && !/\.terraform\/|tests\//.test(name))
          .map((name) => path.join(folder, name)),
      );
    expect(files.length).toBeGreaterThan(10);
    const broad = files.flatMap((file) =>
      [...readFileSync(path.join(packageRoot, file), 'utf8').matchAll(/roles\/[A-Za-z0-9.]+/g)]
        .map(([role]) => role.replace(/\.$/, ''))
        // On which resource is for the narrow ones; `broadness` of a dataset leaves those out.
        .filter((role) => broadness(role, 'dataset') !== null)
        .map((role) => `${file}: ${role}`),
    );
    expect(broad).toEqual([]);
  });

  test('every entry says who asks, and why', () => {
    for (const { codeRef, why, permissions } of entries()) {
      expect([codeRef, existsSync(path.join(packageRoot, codeRef))]).toEqual([codeRef, true]);
      expect(why).toMatch(/\.$/);
      expect(permissions.length).toBeGreaterThan(0);
    }
  });

  test('a secret is read by those that have it, and no others', () => {
    for (const { name, readBy } of SECRETS) {
      const readers = entries()
        .filter(
          ({ on, permissions }) =>
            on === `secret:${name}` && permissions.includes('secretmanager.versions.access'),
        )
        .map((entry) => entry.name);
      expect(readers.sort()).toEqual(readBy.map((component) => `titrate-${component}`).sort());
    }
  });

  test('an account acts as another only where that is what jobs run as', () => {
    const acting = entries().filter(({ permissions }) => permissions.includes('iam.serviceAccounts.actAs'));
    for (const { on } of acting)
      expect(['serviceAccount:titrate-dataflow', 'serviceAccount:titrate-training']).toContain(on);
  });
});
