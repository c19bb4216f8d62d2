import type { BucketName, ComponentName, Identity, ImageName, Secret } from './types';

/** Namespace of Kubernetes in which everything of titrate is. */
export const NAMESPACE = 'titrate';
/** Name of the Worker Deployment that Temporal knows the workers by. */
export const DEPLOYMENT_NAME = 'titrate';
/** BigQuery dataset. */
export const DATASET = 'titrate';
/** Region of everything, unless an environment says otherwise. */
export const REGION = 'europe-west4';
/** Repository of Artifact Registry. */
export const REPOSITORY = 'titrate';

export const IMAGES: Readonly<Record<ImageName, { readonly dockerfile: string; readonly what: string }>> = {
  worker: {
    dockerfile: 'infra/docker/worker.Dockerfile',
    what: 'every worker without a GPU, the inference server, the command line',
  },
  training: {
    dockerfile: 'infra/docker/training.Dockerfile',
    what: 'CUDA build: the gpu worker and the jobs of Vertex AI',
  },
  dataflow: {
    dockerfile: 'infra/dataflow/Dockerfile',
    what: 'launcher and workers of the bulk standardiser',
  },
};

/** An image's name in the registry, without tag or digest. */
export const imageName = (project: string, image: ImageName, region: string = REGION): string =>
  `${region}-docker.pkg.dev/${project}/${REPOSITORY}/${image}`;

/** Names of buckets are everybody's: they begin with the project's. */
export const BUCKET_SUFFIXES: Readonly<Record<BucketName, string>> = {
  objects: '-titrate',
  tfstate: '-titrate-tfstate',
};
export const bucketName = (project: string, bucket: BucketName): string =>
  `${project}${BUCKET_SUFFIXES[bucket]}`;

const WORKERS: readonly ComponentName[] = ['orchestration', 'featurization', 'gpu', 'warehouse', 'deploy'];

export const SECRETS: readonly Secret[] = [
  {
    name: 'titrate-wandb-api-key',
    variable: 'WANDB_API_KEY',
    kubernetesSecret: 'titrate-secrets',
    readBy: ['deploy'],
    what: 'key of Weights & Biases; only where tracking.engine is wandb',
  },
  {
    name: 'titrate-inference-keys',
    variable: 'TITRATE_INFERENCE_KEYS',
    kubernetesSecret: 'titrate-inference',
    readBy: ['inference'],
    what: 'hashes of the API keys that may ask for predictions; only where inference.auth.mode is keys',
  },
  {
    name: 'titrate-temporal-api-key',
    variable: 'TITRATE_TEMPORAL_API_KEY',
    kubernetesSecret: 'titrate-temporal',
    readBy: WORKERS,
    what: 'API key of Temporal Cloud; none for a self-hosted server',
  },
];

export const IDENTITIES: readonly Identity[] = [
  { name: 'titrate-orchestration', by: 'pod', what: 'worker of the queue orchestration' },
  { name: 'titrate-featurization', by: 'pod', what: 'worker of the queue featurization' },
  { name: 'titrate-gpu', by: 'pod', what: 'worker of the queue gpu' },
  { name: 'titrate-warehouse', by: 'pod', what: 'worker of the queue warehouse' },
  { name: 'titrate-deploy', by: 'pod', what: 'worker of the queue deploy' },
  { name: 'titrate-inference', by: 'pod', what: "models' servers" },
  { name: 'titrate-dataflow', by: 'job', what: 'launcher and workers of Dataflow jobs' },
  { name: 'titrate-training', by: 'job', what: 'custom jobs of Vertex AI' },
  { name: 'titrate-ci', by: 'federation', what: 'the delivery pipeline, by Workload Identity Federation' },
  { name: 'titrate-operator', by: 'people', what: 'people who run titrate doctor: reads only' },
];
