import { spawnSync } from 'node:child_process';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { SearchAttributeType } from '@temporalio/common';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import type { Finding } from '../../src/cli/doctor-checks';
import { nodeFinding } from '../../src/cli/doctor-checks';
import { checkCloud } from '../../src/cli/gcp';
import { checkTemporal } from '../../src/cli/gcp/temporal';
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { findTemporalCli } from '../../src/platform/local-stack';
import { loadSettings, type SettingsInput } from '../../src/platform/settings';
import { eventually } from '../support/eventually';
import {
  BUCKET,
  imageOf,
  PROJECT,
  REGION,
  soundProject,
  startGoogleServer,
  type GoogleProject,
  type GoogleServer,
} from '../support/google-project';
import { startServer, workflowBundle } from '../support/temporal';

const KEY = 'k'.repeat(40);
const DAY = 24 * 3600;
const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Int: SearchAttributeType.INT,
  Double: SearchAttributeType.DOUBLE,
} as const;

/** A Temporal namespace, as somebody may have made it. */
interface NamespaceSpec {
  readonly days?: number;
  /** Overrides of types; null: not registered. */
  readonly attributes?: Readonly<Record<string, keyof typeof TYPES | null>>;
}

describe('doctor on Google Cloud', () => {
  let google: GoogleServer;
  let temporal: TestWorkflowEnvironment;
  const workers: { worker: Worker; running: Promise<void> }[] = [];
  const before = { ...process.env };

  async function makeNamespace(namespace: string, { days = 90, attributes = {} }: NamespaceSpec) {
    const { workflowService, operatorService } = temporal.connection;
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: (days * DAY) as never },
    });
    const types = Object.entries({ ...SEARCH_ATTRIBUTES, ...attributes }).filter(([, type]) => type !== null);
    // A namespace that was just made is known to every part of the server a moment later.
    await eventually(
      async () =>
        operatorService.addSearchAttributes({
          namespace,
          searchAttributes: Object.fromEntries(
            types.map(([name, type]) => [name, encodeSearchAttributeIndexedValueType(TYPES[type!])!]),
          ),
        }),
      () => true,
    );
    await eventually(
      () => operatorService.listSearchAttributes({ namespace }),
      ({ customAttributes }) => types.every(([name]) => name in (customAttributes ?? {})),
    );
  }

  beforeAll(async () => {
    [google, temporal] = await Promise.all([startGoogleServer(), startServer()]);
    await makeNamespace('sound', {});
    const bundle = workflowBundle();
    for (const taskQueue of TASK_QUEUES) {
      const worker = await Worker.create({
        connection: temporal.nativeConnection,
        namespace: 'sound',
        taskQueue,
        ...(taskQueue === 'orchestration'
          ? { workflowBundle: bundle }
          : { activities: { nothing: () => Promise.resolve() } }),
      });
      workers.push({ worker, running: worker.run() });
    }
  }, 60_000);

  afterAll(async () => {
    for (const { worker } of workers) worker.shutdown();
    await Promise.all(workers.map(({ running }) => running));
    await Promise.all([google.close(), temporal.teardown()]);
    process.env = before;
  }, 30_000);

  beforeEach(async () => {
    google.project = await soundProject();
    google.requests.length = 0;
    process.env.GOOGLE_APPLICATION_CREDENTIALS = google.credentialsFile;
    process.env.METADATA_SERVER_DETECTION = 'none';
  });

  const merge = (base: SettingsInput, over: SettingsInput): SettingsInput => {
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(over)) {
      const isTree = value !== null && typeof value === 'object';
      merged[key] = isTree ? { ...(merged[key] as object | undefined), ...value } : value;
    }
    return merged;
  };

  function settingsFor(over: SettingsInput = {}) {
    const [host, port] = temporal.address.split(':');
    const sound: SettingsInput = {
      profile: 'gcp',
      google: { project: PROJECT, region: REGION, location: REGION, endpoint: google.endpoint },
      objects: { bucket: BUCKET },
      processing: {
        template: `gs://${BUCKET}/templates/standardiser.json`,
        staging: `gs://${BUCKET}/staging`,
        workerImage: imageOf('dataflow'),
      },
      training: { image: imageOf('training') },
      kubernetes: { image: imageOf('worker'), kubeconfig: google.kubeconfig },
      inference: { auth: { mode: 'keys' } },
      tracking: { entity: 'team', endpoint: `${google.endpoint}/wandb` },
      temporal: { host, port: Number(port), namespace: 'sound' },
    };
    return loadSettings(merge(sound, over), {});
  }

  const examine = (over: SettingsInput = {}, env: Record<string, string> = { WANDB_API_KEY: KEY }) =>
    checkCloud(settingsFor(over), env);
  const bad = (found: readonly Finding[]) => found.filter(({ verdict }) => verdict !== 'ok');

  test('a sound set-up has nothing to mend, and is only read', async () => {
    // Pollers are told of a moment after they begin.
    const found = await eventually(examine, (findings) => bad(findings).length === 0, { seconds: 20 });
    expect(bad(found)).toEqual([]);
    expect(found.map(({ check }) => check)).toEqual([
      ...['credentials', 'project', 'clock', 'APIs', 'permissions', 'roles', 'bucket', 'dataset'],
      ...['Dataflow template', 'GPUs of the cluster', 'GPUs of Vertex AI'],
      ...['image of training.image', 'image of kubernetes.image', 'image of processing.workerImage'],
      ...['secret titrate-wandb-api-key', 'secret titrate-inference-keys'],
      ...['Kubernetes', 'KEDA', 'Kubernetes accounts', 'W&B key'],
      ...['Temporal server', 'Temporal namespace', 'search attributes', 'workers'],
    ]);
    expect(found.find(({ check }) => check === 'credentials')?.found).toContain('titrate-operator@');
    const writes = google.requests.filter((request) => !request.startsWith('GET '));
    const posted = new Set(writes.map((request) => request.split(/[/:]/).at(-1)));
    expect([...posted].sort()).toEqual([
      ...['generateAccessToken', 'getIamPolicy', 'graphql', 'testIamPermissions', 'token'],
    ]);
  });

  interface Broken {
    readonly name: string;
    readonly break?: (project: GoogleProject) => unknown;
    readonly settings?: () => SettingsInput;
    readonly env?: Record<string, string>;
    readonly namespace?: NamespaceSpec;
    readonly check: string;
    readonly verdict?: 'warn';
    readonly found: RegExp;
    readonly remedy: RegExp;
  }

  const BROKEN: readonly Broken[] = [
    {
      name: 'no credentials',
      break: () => (process.env.GOOGLE_APPLICATION_CREDENTIALS = '/nowhere/key.json'),
      check: 'credentials',
      found: /nowhere/,
      remedy: /gcloud auth application-default login/,
    },
    {
      name: 'credentials that are not accepted',
      break: (project) => (project.credentials = false),
      check: 'credentials',
      found: /invalid_grant/,
      remedy: /gcloud auth application-default login/,
    },
    {
      name: 'a project that is another one',
      settings: () => ({ google: { project: 'somebody-elses' } }),
      check: 'project',
      found: /there is no project 'somebody-elses'/,
      remedy: /TITRATE_GOOGLE_PROJECT.*gcloud projects list/,
    },
    {
      name: 'an API that is not enabled',
      break: ({ apis }) => apis.delete('dataflow.googleapis.com'),
      check: 'APIs',
      found: /not enabled: dataflow\.googleapis\.com/,
      remedy: /gcloud services enable dataflow\.googleapis\.com --project titrate-test/,
    },
    {
      name: 'an API that refuses because it is not enabled',
      break: ({ disabled }) => disabled.add('secretmanager'),
      settings: () => ({ tracking: { engine: 'local' } }),
      check: 'secret titrate-inference-keys',
      found: /secretmanager\.googleapis\.com is not enabled/,
      remedy: /gcloud services enable secretmanager\.googleapis\.com/,
    },
    {
      name: 'a permission that the account lacks',
      break: ({ projectPermissions, bucketPermissions }) => {
        projectPermissions.delete('compute.regions.get');
        bucketPermissions.delete('storage.buckets.get');
      },
      check: 'permissions',
      found: /compute\.regions\.get on the project, storage\.buckets\.get on the bucket/,
      remedy:
        /gcloud projects add-iam-policy-binding titrate-test --member=serviceAccount:titrate-operator@\S+ --role=projects\/titrate-test\/roles\/titrate\.doctor && gcloud storage buckets add-iam-policy-binding gs:\/\/titrate-test-titrate .*titrate\.doctorBucket/,
    },
    {
      name: 'an account without its role',
      break: ({ bindings }) => {
        for (const { role, members } of bindings) if (role.endsWith('titrate.queries')) members.length = 0;
      },
      check: 'roles',
      found: /titrate\.queries for titrate-warehouse/,
      remedy:
        /add-iam-policy-binding .*titrate-warehouse@\S+ --role=projects\/titrate-test\/roles\/titrate\.queries/,
    },
    {
      name: 'an account with a broad role',
      break: ({ bindings }) =>
        bindings.push({
          role: 'roles/editor',
          members: [`serviceAccount:titrate-deploy@${PROJECT}.iam.gserviceaccount.com`],
        }),
      check: 'roles',
      found: /too broad: titrate-deploy: roles\/editor/,
      remedy: /remove-iam-policy-binding .*titrate-deploy@\S+ --role=roles\/editor/,
    },
    {
      name: 'no bucket',
      break: (project) => (project.buckets = {}),
      check: 'bucket',
      found: /there is no bucket gs:\/\/titrate-test-titrate/,
      remedy: /scripts\/titrate data prepare/,
    },
    {
      name: 'a bucket that keeps no versions',
      break: ({ buckets }) => (buckets[BUCKET]!.versioning = { enabled: false }),
      check: 'bucket',
      found: /keeps no versions/,
      remedy: /gcloud storage buckets update gs:\/\/titrate-test-titrate --versioning/,
    },
    {
      name: 'a bucket that may be opened',
      break: ({ buckets }) => (buckets[BUCKET]!.iamConfiguration = { publicAccessPrevention: 'inherited' }),
      check: 'bucket',
      found: /may be opened to the public/,
      remedy: /--public-access-prevention --uniform-bucket-level-access/,
    },
    {
      name: 'a bucket that is open',
      break: ({ bucketBindings }) =>
        bucketBindings.push({ role: 'roles/storage.objectViewer', members: ['allUsers'] }),
      check: 'bucket',
      found: /open to allUsers as roles\/storage\.objectViewer/,
      remedy: /remove-iam-policy-binding gs:\/\/titrate-test-titrate --member=allUsers/,
    },
    {
      name: 'a bucket without rules',
      break: ({ buckets }) => delete buckets[BUCKET]!.lifecycle,
      check: 'bucket',
      found: /never deletes old landings/,
      remedy: /scripts\/titrate data prepare/,
    },
    {
      name: 'a bucket elsewhere',
      break: ({ buckets }) => (buckets[BUCKET]!.location = 'US'),
      check: 'bucket',
      found: /lies in US, and the settings say europe-west4/,
      remedy: /TITRATE_GOOGLE_LOCATION/,
    },
    {
      name: 'no dataset',
      break: (project) => (project.dataset = null),
      check: 'dataset',
      found: /there is no dataset titrate-test\.titrate/,
      remedy: /scripts\/titrate data prepare/,
    },
    {
      name: 'a dataset of an older schema',
      break: ({ tables }) => {
        tables.delete('quarantine');
        tables.set(
          'measurements',
          tables.get('measurements')!.filter((column) => column !== 'property'),
        );
      },
      check: 'dataset',
      found: /older schema: it lacks measurements\.property, quarantine/,
      remedy: /scripts\/titrate data prepare/,
    },
    {
      name: 'a dataset of a newer schema',
      break: ({ tables }) => tables.get('picks')!.push('of_a_later_day'),
      check: 'dataset',
      verdict: 'warn',
      found: /does not know: picks\.of_a_later_day/,
      remedy: /newer one/,
    },
    {
      name: 'no template',
      break: ({ objects }) => objects.clear(),
      check: 'Dataflow template',
      found: /templates\/standardiser\.json is not there/,
      remedy:
        /gcloud dataflow flex-template build gs:\/\/titrate-test-titrate\/templates\/standardiser\.json/,
    },
    {
      name: 'no GPUs of Vertex AI',
      break: (project) => (project.vertexLimits = [{ effectiveLimit: '0' }]),
      check: 'GPUs of Vertex AI',
      found: /custom_model_training_nvidia_t4_gpus in europe-west4: 0; a job takes 1/,
      remedy:
        /training\.acceleratorCount.*console\.cloud\.google\.com\/iam-admin\/quotas\?project=titrate-test/,
    },
    {
      name: 'no GPUs in the region',
      break: (project) => (project.computeQuotas = [{ metric: 'NVIDIA_T4_GPUS', limit: 0, usage: 0 }]),
      check: 'GPUs of the cluster',
      verdict: 'warn',
      found: /NVIDIA_T4_GPUS in europe-west4: 0 of 0/,
      remedy: /iam-admin\/quotas\?project=titrate-test/,
    },
    {
      name: 'an image that nobody pushed',
      settings: () => ({ training: { image: imageOf('training', `sha256:${'00'.repeat(32)}`) } }),
      check: 'image of training.image',
      found: /training@sha256:0+ is not there/,
      remedy:
        /gcloud artifacts docker images list europe-west4-docker\.pkg\.dev\/titrate-test\/titrate\/training/,
    },
    {
      name: 'an image by a tag',
      settings: () => ({
        kubernetes: { image: `${REGION}-docker.pkg.dev/${PROJECT}/titrate/worker:latest` },
      }),
      check: 'image of kubernetes.image',
      verdict: 'warn',
      found: /by its digest/,
      remedy: /gcloud artifacts docker images describe .*worker:latest/,
    },
    {
      name: 'a secret without a value',
      break: ({ secrets }) => delete secrets['titrate-wandb-api-key'],
      check: 'secret titrate-wandb-api-key',
      found: /has no value/,
      remedy: /gcloud secrets versions add titrate-wandb-api-key --data-file=- --project titrate-test/,
    },
    {
      name: 'a secret that is disabled',
      break: ({ secrets }) => (secrets['titrate-inference-keys'] = 'DISABLED'),
      check: 'secret titrate-inference-keys',
      found: /DISABLED/,
      remedy: /gcloud secrets versions add titrate-inference-keys/,
    },
    {
      name: 'a clock that is ten minutes ahead',
      break: (project) => (project.clockMs = -600_000),
      check: 'clock',
      found: /(599|600|601) s ahead of Google's/,
      remedy: /timedatectl set-ntp true/,
    },
    {
      name: 'a cluster that does not answer',
      settings: () => ({ kubernetes: { kubeconfig: '/nowhere/kubeconfig' } }),
      check: 'Kubernetes',
      found: /kubeconfig cannot be used/,
      remedy: /gcloud container clusters get-credentials/,
    },
    {
      name: 'a cluster without KEDA',
      break: ({ definitions }) => definitions.clear(),
      check: 'KEDA',
      found: /scaledobjects\.keda\.sh is not known/,
      remedy: /helm install keda/,
    },
    {
      name: 'pods that are nobody on Google Cloud',
      break: ({ accounts }) => (accounts['titrate-gpu'] = { annotations: {} }),
      check: 'Kubernetes accounts',
      found: /not bound to their Google accounts: titrate-gpu/,
      remedy:
        /kubectl annotate --overwrite serviceaccount titrate-gpu -n titrate iam\.gke\.io\/gcp-service-account=titrate-gpu@/,
    },
    {
      name: 'a W&B key that is none',
      env: { WANDB_API_KEY: 'x'.repeat(40) },
      check: 'W&B key',
      found: /refuse|401|key/i,
      remedy: /wandb\.ai\/authorize/,
    },
    {
      name: 'no Temporal server',
      settings: () => ({ temporal: { host: '127.0.0.1', port: 1 } }),
      check: 'Temporal server',
      found: /no Temporal server answers at 127\.0\.0\.1:1/,
      remedy: /TITRATE_TEMPORAL_HOST/,
    },
    {
      name: 'no namespace',
      settings: () => ({ temporal: { namespace: 'nowhere' } }),
      check: 'Temporal namespace',
      found: /there is no namespace 'nowhere'/,
      remedy: /temporal operator --address \S+ namespace create --namespace nowhere --retention 90d/,
    },
    {
      name: 'a namespace that forgets too soon',
      namespace: { days: 3 },
      check: 'Temporal namespace',
      found: /for 3 days/,
      remedy: /temporal operator --address \S+ namespace update --namespace \S+ --retention 90d/,
    },
    {
      name: 'a search attribute that is missing',
      namespace: { attributes: { BestValue: null } },
      check: 'search attributes',
      found: /not registered: BestValue/,
      remedy: /search-attribute create --namespace \S+ --name BestValue --type Double/,
    },
    {
      name: 'a search attribute of another type',
      namespace: { attributes: { CampaignRound: 'Keyword' } },
      check: 'search attributes',
      found: /of another type: CampaignRound/,
      remedy:
        /search-attribute remove --namespace \S+ --name CampaignRound --yes && .* --name CampaignRound --type Int/,
    },
  ];

  test.each(BROKEN)('$name', async (broken) => {
    broken.break?.(google.project);
    let over = broken.settings?.() ?? {};
    if (broken.namespace) {
      const namespace = broken.name.replaceAll(' ', '-');
      await makeNamespace(namespace, broken.namespace);
      over = merge(over, { temporal: { namespace } });
    }
    const found = await examine(over, broken.env);
    // Nobody works in a namespace that was made for a test.
    const faults = bad(found).filter(({ check }) => !(broken.namespace && check === 'workers'));
    expect(faults.map(({ check, verdict }) => ({ check, verdict }))).toEqual([
      { check: broken.check, verdict: broken.verdict ?? 'fail' },
    ]);
    expect(faults[0]!.found).toMatch(broken.found);
    expect(faults[0]!.remedy).toMatch(broken.remedy);
  });

  /** What stands behind 'Run:', by the CLI that the server came with. */
  function runRemedy({ remedy }: Finding) {
    const [, command] = /^Run: (.*?)(?: \(|, or |$)/.exec(remedy!)!;
    const script = command!.replaceAll('temporal operator', `'${findTemporalCli().path}' operator`);
    const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  }

  test.each<[string, NamespaceSpec | null]>([
    ['unmade', null],
    ['forgetful', { days: 1 }],
    ['unindexed', { attributes: { BestValue: null, ModelVersion: null } }],
    ['mistyped', { attributes: { CampaignRound: 'Double' } }],
  ])('a namespace that is %s is mended by what the doctor says to run', async (namespace, spec) => {
    if (spec) await makeNamespace(namespace, spec);
    const temporalFaults = async () =>
      bad(await checkTemporal(settingsFor({ temporal: { namespace } }))).filter(
        ({ check }) => check !== 'workers',
      );
    const [fault, ...rest] = await temporalFaults();
    expect(rest).toEqual([]);
    runRemedy(fault!);
    // A namespace that is made new has no search attributes yet.
    const [next] = await eventually(
      temporalFaults,
      ([first]) => first === undefined || first.check === 'search attributes',
    );
    if (next) runRemedy(next);
    await eventually(temporalFaults, (faults) => faults.length === 0, { seconds: 15 });
  });

  test('a queue that nobody serves', async () => {
    await makeNamespace('idle', {});
    const faults = bad(await examine({ temporal: { namespace: 'idle' } }));
    expect(faults).toMatchObject([{ check: 'workers', found: expect.stringContaining('gpu') as string }]);
  });

  test('a server that is not there is named, once for each thing that was asked of it', async () => {
    const faults = bad(await examine({ objects: { endpoint: 'http://127.0.0.1:1' } }));
    expect([...new Set(faults.map(({ check }) => check))]).toEqual([
      'permissions',
      'bucket',
      'Dataflow template',
    ]);
    for (const { found, remedy } of faults) expect(`${found} ${remedy}`).toMatch(/127\.0\.0\.1:1\b/);
  });

  test.each([
    ['18.19.0', 'fail', /Install Node 20\.20/],
    ['20.19.9', 'fail', /Install Node 20\.20/],
    ['20.20.0', 'ok', undefined],
    ['24.1.0', 'warn', /Node 20 or 22/],
  ])('Node %s: %s', (version, verdict, remedy) => {
    const finding = nodeFinding(version);
    expect(finding.verdict).toBe(verdict);
    if (remedy) expect(finding.remedy).toMatch(remedy);
    else expect(finding.remedy).toBeUndefined();
  });

  test('the command says the same, and that something is to be mended', () => {
    const { GOOGLE_APPLICATION_CREDENTIALS: _, ...rest } = before;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [compiledEntry('src/cli/main'), '--json', 'doctor', '--profile', 'gcp'],
      {
        encoding: 'utf8',
        env: {
          ...rest,
          GOOGLE_APPLICATION_CREDENTIALS: '/nowhere/key.json',
          TITRATE_GOOGLE_PROJECT: PROJECT,
          TITRATE_OBJECTS_BUCKET: BUCKET,
          TITRATE_PROCESSING_ENGINE: 'inline',
          TITRATE_TRAINING_ENGINE: 'local',
          TITRATE_TEMPORAL_PORT: '1',
          TITRATE_LEARNING_BACKEND: 'cpu',
        },
      },
    );
    expect([status, stderr]).toEqual([1, expect.stringMatching(/2 of \d+ checks failed/)]);
    const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Finding[] };
    expect(healthy).toBe(false);
    const failed = findings.filter(({ verdict }) => verdict === 'fail');
    expect(failed.map(({ check }) => check)).toEqual(['credentials', 'Temporal server']);
    for (const { remedy } of failed) expect(remedy).toBeTruthy();
  });
});
