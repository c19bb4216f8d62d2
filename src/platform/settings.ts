import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseWith, TitrateError } from '../contracts';
import { inferenceSettingsSchema } from './inference-settings';
import { kubernetesSettingsSchema } from './kubernetes-settings';
import { metricsSettingsSchema } from './metrics-settings';
import { temporalSettingsSchema } from './temporal-settings';
import { tracingSettingsSchema } from './tracing-settings';

const gigabytes = z.coerce.number().positive();
const days = z.coerce.number().int().min(1).max(3650);
const text = z.string().min(1).optional();

const image = z.string().regex(/@sha256:[0-9a-f]{64}$/, 'expected an image by its digest, NAME@sha256:…');

/** Where this installation keeps its things and whom it talks to. titrate.yaml, then TITRATE_* variables, then options. */
export const settingsSchema = z.strictObject({
  profile: z
    .enum(['local', 'gcp'])
    .default('local')
    .describe(
      'What is used where nothing else is said: this machine, or Google Cloud. Each part can be chosen by itself.',
    ),
  home: z.string().default('.titrate').describe('Directory of everything the local profile stores.'),
  workingDirectory: z
    .string()
    .optional()
    .describe('Where relative source paths start. Default: the current directory.'),
  temporal: temporalSettingsSchema,
  google: z
    .strictObject({
      project: text.describe('Project that is billed; needed by BigQuery, Dataflow and Vertex AI.'),
      region: z.string().default('us-central1').describe('Where jobs run.'),
      location: z.string().default('US').describe('Where buckets and BigQuery datasets are made.'),
      labels: z
        .record(z.string(), z.string())
        .default({ application: 'titrate' })
        .describe('On buckets, tables and jobs.'),
      endpoint: text.describe(
        "Where 'titrate doctor' asks instead of Google's APIs: http://host:port, before the name of each service.",
      ),
    })
    .prefault({}),
  https: z
    .strictObject({
      headers: z
        .record(z.string(), z.record(z.string(), z.string()))
        .default({})
        .describe('Headers sent to a host when a source is fetched from it: { host: { name: value } }.'),
    })
    .prefault({}),
  objects: z
    .strictObject({
      store: z.enum(['files', 'gcs']).optional().describe("Default: 'files', with profile gcp 'gcs'."),
      bucket: text.describe('Bucket of the gcs store.'),
      prefix: z
        .string()
        .default('')
        .describe('Before every name in the bucket; ends in a slash unless empty.'),
      cacheGigabytes: gigabytes.default(20).describe('Local copies of objects that engines read as files.'),
      landingDays: days.default(30).describe('Raw files nobody committed are deleted after this time.'),
      noncurrentDays: days.default(90).describe('Overwritten generations are kept for this long (gcs).'),
      endpoint: text.describe('Another server than storage.googleapis.com.'),
    })
    .prefault({}),
  warehouse: z
    .strictObject({
      engine: z
        .enum(['duckdb', 'bigquery'])
        .optional()
        .describe("Default: 'duckdb', with profile gcp 'bigquery'."),
      dataset: z
        .string()
        .regex(/^[A-Za-z0-9_]{1,1024}$/)
        .default('titrate')
        .describe('BigQuery dataset.'),
      maximumGigabytesBilled: gigabytes
        .default(50)
        .describe('A query that would read more is refused before it costs anything.'),
      endpoint: text.describe('Another server than bigquery.googleapis.com.'),
    })
    .prefault({}),
  processing: z
    .strictObject({
      engine: z
        .enum(['inline', 'dataflow'])
        .optional()
        .describe("Default: 'inline', with profile gcp 'dataflow'."),
      dataflowFromMegabytes: z.coerce
        .number()
        .min(0)
        .default(64)
        .describe('Smaller sources are standardised where the worker runs: a job takes minutes to start.'),
      template: text.describe('Flex Template of infra/dataflow: gs://bucket/path.json.'),
      staging: text.describe("Folder for a job's temporary files: gs://bucket/path."),
      serviceAccount: text,
      subnetwork: text,
      machineType: z.string().default('e2-standard-4'),
      workerImage: text.describe("Image of a job's workers. Default: the one the template was built with."),
      maxWorkers: z.coerce.number().int().min(1).max(1000).default(20),
      endpoint: text.describe('Another server than dataflow.googleapis.com: host:port, without TLS.'),
    })
    .prefault({}),
  training: z
    .strictObject({
      engine: z
        .enum(['local', 'vertex'])
        .optional()
        .describe("Where models are explored and trained. Default: 'local', with profile gcp 'vertex'."),
      tuner: z
        .enum(['local', 'vizier'])
        .default('local')
        .describe(
          'Where the settings of MLP ensembles are proposed from: drawn by this program, or asked of a study of Vertex AI Vizier, one a campaign.',
        ),
      vertexFromLabels: z.coerce
        .number()
        .int()
        .min(0)
        .default(5000)
        .describe(
          'Rounds with fewer labels are trained where the worker runs: a job takes minutes to start, and an exact Gaussian process on so many labels less.',
        ),
      image: image
        .optional()
        .describe(
          'Image of infra/docker/training.Dockerfile by its digest: what trains is part of every key.',
        ),
      machineType: z.string().default('n1-standard-8'),
      acceleratorType: z.string().default('NVIDIA_TESLA_T4').describe('As Vertex AI names it.'),
      acceleratorCount: z.coerce.number().int().min(0).max(16).default(1).describe('0 trains on the CPU.'),
      strategy: z
        .enum(['standard', 'spot', 'flex-start'])
        .default('standard')
        .describe('How machines are had: at once, cheaper and taken away at times, or when there are some.'),
      timeoutHours: z.coerce.number().positive().max(168).default(24),
      uploadModels: z
        .boolean()
        .default(false)
        .describe(
          "Whether every registered model version is entered into Vertex AI's model registry, beside the rounds, with our inference server as its container.",
        ),
      uploadImage: image
        .optional()
        .describe(
          'Image of infra/docker/worker.Dockerfile by its digest, in which an uploaded model is served. Default: training.image, which has the inference server too and is larger.',
        ),
      maxJobs: z.coerce
        .number()
        .int()
        .min(1)
        .max(100)
        .default(8)
        .describe('Jobs a worker waits for at once.'),
      serviceAccount: text.describe('Jobs run as this account; it must read and write the bucket.'),
      network: text.describe('Peered network: projects/NUMBER/global/networks/NAME.'),
      endpoint: text.describe(
        'Another server than REGION-aiplatform.googleapis.com: host:port by TLS, http://host:port without.',
      ),
    })
    .prefault({}),
  tracking: z
    .strictObject({
      engine: z
        .enum(['local', 'wandb'])
        .optional()
        .describe(
          "Where runs and models are shown: records of the object store, or Weights & Biases with the key in WANDB_API_KEY. Default: 'local', with profile gcp and an entity 'wandb'.",
        ),
      entity: text.describe('Team or user of Weights & Biases.'),
      project: z
        .string()
        .regex(/^[^/\\#?%:]{1,128}$/, 'W&B takes 1 to 128 characters without / \\ # ? % :')
        .default('titrate')
        .describe('Project of Weights & Biases.'),
      endpoint: z
        .url({ protocol: /^https?$/ })
        .default('https://api.wandb.ai')
        .describe('Address of a W&B server.'),
    })
    .prefault({}),
  inference: inferenceSettingsSchema,
  rollout: z
    .strictObject({
      engine: z
        .enum(['local', 'kubernetes'])
        .optional()
        .describe(
          "Where models are served: by this machine, or by a Kubernetes cluster. Default: 'local', with profile gcp and an image in kubernetes.image 'kubernetes'.",
        ),
    })
    .prefault({}),
  kubernetes: kubernetesSettingsSchema,
  metrics: metricsSettingsSchema,
  tracing: tracingSettingsSchema,
  threads: z
    .strictObject({
      chemistry: z.coerce
        .number()
        .int()
        .min(1)
        .max(64)
        .default(Math.max(1, Math.min(8, os.availableParallelism()))),
      learning: z.coerce
        .number()
        .int()
        .min(1)
        .max(64)
        .default(Math.max(1, Math.min(8, os.availableParallelism()))),
    })
    .prefault({}),
  learning: z
    .strictObject({
      backend: z.enum(['auto', 'tensorflow-gpu', 'tensorflow', 'wasm', 'cpu']).default('auto'),
    })
    .prefault({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
type Parsed = z.infer<typeof settingsSchema>;
/** With the profile's choices filled in. */
export type Settings = Omit<
  Parsed,
  'objects' | 'warehouse' | 'processing' | 'training' | 'tracking' | 'rollout' | 'metrics'
> & {
  workingDirectory: string;
  objects: Parsed['objects'] & { store: 'files' | 'gcs' };
  warehouse: Parsed['warehouse'] & { engine: 'duckdb' | 'bigquery' };
  processing: Parsed['processing'] & { engine: 'inline' | 'dataflow' };
  training: Parsed['training'] & { engine: 'local' | 'vertex' };
  tracking: Parsed['tracking'] & { engine: 'local' | 'wandb' };
  rollout: { engine: 'local' | 'kubernetes' };
  metrics: Parsed['metrics'] & { push: 'none' | 'cloud-monitoring' };
};
export type SettingsInput = z.input<typeof settingsSchema>;

/** Environment variables and the setting each one is. */
export const SETTING_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  TITRATE_PROFILE: ['profile'],
  TITRATE_HOME: ['home'],
  TITRATE_WORKING_DIRECTORY: ['workingDirectory'],
  TITRATE_TEMPORAL_HOST: ['temporal', 'host'],
  TITRATE_TEMPORAL_PORT: ['temporal', 'port'],
  TITRATE_TEMPORAL_UI_PORT: ['temporal', 'uiPort'],
  TITRATE_TEMPORAL_NAMESPACE: ['temporal', 'namespace'],
  TITRATE_TEMPORAL_TLS: ['temporal', 'tls', 'mode'],
  TITRATE_TEMPORAL_TLS_CA_FILE: ['temporal', 'tls', 'caFile'],
  TITRATE_TEMPORAL_TLS_CERT_FILE: ['temporal', 'tls', 'certFile'],
  TITRATE_TEMPORAL_TLS_KEY_FILE: ['temporal', 'tls', 'keyFile'],
  TITRATE_TEMPORAL_TLS_SERVER_NAME: ['temporal', 'tls', 'serverName'],
  TITRATE_TEMPORAL_API_KEY_FILE: ['temporal', 'apiKeyFile'],
  TITRATE_GOOGLE_PROJECT: ['google', 'project'],
  TITRATE_GOOGLE_REGION: ['google', 'region'],
  TITRATE_GOOGLE_LOCATION: ['google', 'location'],
  TITRATE_GOOGLE_ENDPOINT: ['google', 'endpoint'],
  TITRATE_OBJECTS_STORE: ['objects', 'store'],
  TITRATE_OBJECTS_BUCKET: ['objects', 'bucket'],
  TITRATE_OBJECTS_PREFIX: ['objects', 'prefix'],
  TITRATE_OBJECTS_ENDPOINT: ['objects', 'endpoint'],
  TITRATE_WAREHOUSE_ENGINE: ['warehouse', 'engine'],
  TITRATE_WAREHOUSE_DATASET: ['warehouse', 'dataset'],
  TITRATE_WAREHOUSE_MAXIMUM_GIGABYTES_BILLED: ['warehouse', 'maximumGigabytesBilled'],
  TITRATE_WAREHOUSE_ENDPOINT: ['warehouse', 'endpoint'],
  TITRATE_PROCESSING_ENGINE: ['processing', 'engine'],
  TITRATE_PROCESSING_TEMPLATE: ['processing', 'template'],
  TITRATE_PROCESSING_STAGING: ['processing', 'staging'],
  TITRATE_PROCESSING_SERVICE_ACCOUNT: ['processing', 'serviceAccount'],
  TITRATE_PROCESSING_SUBNETWORK: ['processing', 'subnetwork'],
  TITRATE_PROCESSING_MAX_WORKERS: ['processing', 'maxWorkers'],
  TITRATE_PROCESSING_ENDPOINT: ['processing', 'endpoint'],
  TITRATE_TRAINING_ENGINE: ['training', 'engine'],
  TITRATE_TRAINING_TUNER: ['training', 'tuner'],
  TITRATE_TRAINING_IMAGE: ['training', 'image'],
  TITRATE_TRAINING_SERVICE_ACCOUNT: ['training', 'serviceAccount'],
  TITRATE_TRAINING_MAX_JOBS: ['training', 'maxJobs'],
  TITRATE_TRAINING_ENDPOINT: ['training', 'endpoint'],
  TITRATE_TRACKING_ENGINE: ['tracking', 'engine'],
  TITRATE_TRACKING_ENTITY: ['tracking', 'entity'],
  TITRATE_TRACKING_PROJECT: ['tracking', 'project'],
  TITRATE_TRACKING_ENDPOINT: ['tracking', 'endpoint'],
  TITRATE_INFERENCE_HOST: ['inference', 'host'],
  TITRATE_INFERENCE_PORT: ['inference', 'port'],
  TITRATE_INFERENCE_AUTH: ['inference', 'auth', 'mode'],
  TITRATE_INFERENCE_KEYS_FILE: ['inference', 'auth', 'keysFile'],
  TITRATE_INFERENCE_ISSUER: ['inference', 'auth', 'issuer'],
  TITRATE_INFERENCE_AUDIENCE: ['inference', 'auth', 'audience'],
  TITRATE_INFERENCE_SCOPE_CLAIM: ['inference', 'auth', 'scopeClaim'],
  TITRATE_INFERENCE_METRICS: ['inference', 'auth', 'metrics'],
  TITRATE_INFERENCE_LOG_SHARE: ['inference', 'log', 'share'],
  TITRATE_INFERENCE_LOG_DIRECTORY: ['inference', 'log', 'directory'],
  TITRATE_ROLLOUT_ENGINE: ['rollout', 'engine'],
  TITRATE_KUBERNETES_NAMESPACE: ['kubernetes', 'namespace'],
  TITRATE_KUBERNETES_CONTEXT: ['kubernetes', 'context'],
  TITRATE_KUBERNETES_IMAGE: ['kubernetes', 'image'],
  TITRATE_KUBERNETES_MIN_REPLICAS: ['kubernetes', 'minReplicas'],
  TITRATE_KUBERNETES_MAX_REPLICAS: ['kubernetes', 'maxReplicas'],
  TITRATE_METRICS: ['metrics', 'mode'],
  TITRATE_METRICS_HOST: ['metrics', 'host'],
  TITRATE_METRICS_PORT: ['metrics', 'port'],
  TITRATE_METRICS_PUSH: ['metrics', 'push'],
  TITRATE_METRICS_ENDPOINT: ['metrics', 'endpoint'],
  TITRATE_TRACING: ['tracing', 'mode'],
  TITRATE_TRACING_ENDPOINT: ['tracing', 'endpoint'],
  TITRATE_TRACING_DIRECTORY: ['tracing', 'directory'],
  TITRATE_TRACING_SHARE: ['tracing', 'share'],
  TITRATE_TRACING_REQUESTS: ['tracing', 'requests'],
  TITRATE_CHEMISTRY_THREADS: ['threads', 'chemistry'],
  TITRATE_LEARNING_THREADS: ['threads', 'learning'],
  TITRATE_LEARNING_BACKEND: ['learning', 'backend'],
  TITRATE_LOG_LEVEL: ['logLevel'],
};

type Tree = { [key: string]: unknown };

function setAt(tree: Tree, keys: readonly string[], value: unknown): void {
  const last = keys.at(-1)!;
  let at = tree;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Tree;
  at[last] = value;
}

/**
 * Reads the settings: `titrate.yaml` in the working directory (or TITRATE_CONFIG), overlaid by TITRATE_* variables and by `overrides`.
 * @throws TitrateError config-invalid naming file or variable, the key and the nearest known one.
 */
export function loadSettings(
  overrides: SettingsInput = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const file = env.TITRATE_CONFIG ?? 'titrate.yaml';
  let tree: Tree = {};
  let text: string | undefined;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (env.TITRATE_CONFIG || (error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new TitrateError(
        'source-missing',
        { what: 'the settings file cannot be read', where: file, remedy: 'Mend TITRATE_CONFIG' },
        { cause: error },
      );
    }
  }
  if (text !== undefined) {
    try {
      tree = (parse(text) ?? {}) as Tree;
    } catch (error) {
      throw new TitrateError('config-invalid', {
        what: `not YAML: ${(error as Error).message}`,
        where: file,
      });
    }
  }
  for (const [variable, keys] of Object.entries(SETTING_VARIABLES)) {
    if (env[variable] !== undefined && env[variable] !== '') setAt(tree, keys, env[variable]);
  }
  const merge = (into: Tree, from: Tree) => {
    for (const [key, value] of Object.entries(from)) {
      if (value && typeof value === 'object' && !Array.isArray(value))
        merge((into[key] ??= {}) as Tree, value as Tree);
      else if (value !== undefined) into[key] = value;
    }
  };
  merge(tree, overrides as Tree);
  const settings = parseWith(
    settingsSchema,
    tree,
    text === undefined ? 'settings (TITRATE_* variables and options)' : file,
  );
  const workingDirectory = path.resolve(settings.workingDirectory ?? '.');
  return checkCloud({
    ...settings,
    ...choices(settings),
    workingDirectory,
    home: path.resolve(workingDirectory, settings.home),
  });
}

function choices({
  profile,
  objects,
  warehouse,
  processing,
  training,
  tracking,
  rollout,
  kubernetes,
  metrics,
  google,
}: Parsed) {
  const cloud = profile === 'gcp';
  return {
    objects: { ...objects, store: objects.store ?? (cloud ? 'gcs' : 'files') },
    warehouse: { ...warehouse, engine: warehouse.engine ?? (cloud ? 'bigquery' : 'duckdb') },
    processing: { ...processing, engine: processing.engine ?? (cloud ? 'dataflow' : 'inline') },
    training: { ...training, engine: training.engine ?? (cloud ? 'vertex' : 'local') },
    tracking: { ...tracking, engine: tracking.engine ?? (cloud && tracking.entity ? 'wandb' : 'local') },
    rollout: { engine: rollout.engine ?? (cloud && kubernetes.image ? 'kubernetes' : 'local') },
    metrics: { ...metrics, push: metrics.push ?? (cloud && google.project ? 'cloud-monitoring' : 'none') },
  } as const;
}

/** @throws TitrateError config-invalid naming what the chosen parts need and the settings lack: nothing runs half-configured. */
function checkCloud(settings: Settings): Settings {
  const { google, objects, warehouse, processing, training, tracking } = settings;
  const lacking: string[] = [];
  if (objects.store === 'gcs' && !objects.bucket) lacking.push("objects.bucket (objects.store is 'gcs')");
  if (warehouse.engine === 'bigquery' && !google.project)
    lacking.push("google.project (warehouse.engine is 'bigquery')");
  if (processing.engine === 'dataflow') {
    if (!google.project) lacking.push("google.project (processing.engine is 'dataflow')");
    for (const key of ['template', 'staging'] as const)
      if (!processing[key]) lacking.push(`processing.${key} (processing.engine is 'dataflow')`);
    if (objects.store !== 'gcs')
      lacking.push("objects.store: gcs (Dataflow's workers share the bucket, not this disk)");
  }
  if (training.engine === 'vertex') {
    if (!google.project) lacking.push("google.project (training.engine is 'vertex')");
    if (!training.image) lacking.push("training.image (training.engine is 'vertex')");
    if (objects.store !== 'gcs')
      lacking.push("objects.store: gcs (Vertex AI's jobs share the bucket, not this disk)");
  }
  if (training.tuner === 'vizier' && !google.project)
    lacking.push("google.project (training.tuner is 'vizier')");
  if (training.uploadModels) lacking.push(...lackingForUpload(settings));
  if (settings.rollout.engine === 'kubernetes') {
    if (!settings.kubernetes.image) lacking.push("kubernetes.image (rollout.engine is 'kubernetes')");
    if (objects.store !== 'gcs')
      lacking.push("objects.store: gcs (the cluster's servers share the bucket, not this disk)");
    if (!settings.inference.auth.mode)
      lacking.push("inference.auth.mode: keys, oidc or off (others reach the cluster's servers)");
  }
  if (tracking.engine === 'wandb' && !tracking.entity)
    lacking.push("tracking.entity (tracking.engine is 'wandb')");
  if (lacking.length === 0) return settings;
  throw new TitrateError('config-invalid', {
    what: `missing: ${[...new Set(lacking)].join('; ')}`,
    where: 'settings',
    remedy: 'Set them in titrate.yaml or as TITRATE_* variables, or choose the local parts',
  });
}

/** What an upload of models to Vertex AI needs and the settings lack. */
export function lackingForUpload({ google, training, objects }: Settings): string[] {
  const lacking: string[] = [];
  if (!google.project) lacking.push("google.project (models are uploaded to a project's registry)");
  if (!training.uploadImage && !training.image)
    lacking.push('training.uploadImage or training.image (an uploaded model is served by our image)');
  if (objects.store !== 'gcs')
    lacking.push("objects.store: gcs (an uploaded model's server reads the bucket, not this disk)");
  return lacking;
}

/** The places under `home`, named once. */
export function homePaths(settings: Pick<Settings, 'home'>) {
  const at = (...parts: string[]) => path.join(settings.home, ...parts);
  return {
    objects: at('objects'),
    /** Local copies of objects of a bucket. */
    objectCache: at('cache', 'objects'),
    landing: at('landing'),
    scratch: at('scratch'),
    warehouse: at('warehouse', 'warehouse.duckdb'),
    temporalDatabase: at('temporal', 'server.sqlite'),
    run: at('run'),
    logs: at('logs'),
    reports: at('reports'),
    /** Spans as files. */
    traces: at('traces'),
  };
}
