import { TASK_QUEUES, type TaskQueue } from '../../contracts';
import type { Bounds, Component, ComponentName, Environment, ImageName, Resources, Scaling } from './types';

/** Port of the metrics of every worker: each pod and each container has one process, so they may share the number. */
export const WORKER_METRICS_PORT = 9464;
export const INFERENCE_PORT = 8090;
export const TEMPORAL_PORTS = { grpc: 7233, ui: 8233, metrics: 9090 } as const;

const SHARED_SETTINGS = [
  'TITRATE_PROFILE',
  'TITRATE_HOME',
  'TITRATE_GOOGLE_PROJECT',
  'TITRATE_GOOGLE_REGION',
  'TITRATE_OBJECTS_BUCKET',
] as const;
const WORKER_SETTINGS = [
  ...SHARED_SETTINGS,
  'TITRATE_TEMPORAL_HOST',
  'TITRATE_TEMPORAL_PORT',
  'TITRATE_TEMPORAL_NAMESPACE',
  'TITRATE_METRICS_PORT',
] as const;
/** What the deploy worker needs beyond the others: it makes the models' servers. */
const DEPLOY_SETTINGS = [
  'TITRATE_ROLLOUT_ENGINE',
  'TITRATE_KUBERNETES_NAMESPACE',
  'TITRATE_KUBERNETES_IMAGE',
  'TITRATE_INFERENCE_AUTH',
] as const;

const bounds = (dev: Bounds, prod: Bounds): Readonly<Record<Environment, Bounds>> => ({ dev, prod });
const always = (count: number) => bounds({ min: count, max: count }, { min: count, max: count });

function worker(
  queue: TaskQueue,
  rest: {
    readonly what: string;
    readonly image?: ImageName;
    readonly settings?: readonly string[];
    readonly scaling: Scaling;
    readonly resources: Resources;
  },
): Component {
  const { what, image = 'worker', settings = [], scaling, resources } = rest;
  return {
    name: queue,
    what,
    kind: 'worker',
    taskQueue: queue,
    image,
    command: ['node', '--enable-source-maps', `dist/workers/${queue}.js`],
    ports: { metrics: WORKER_METRICS_PORT },
    health: { exec: ['node', 'dist/scripts/worker-health.js', queue] },
    serviceAccount: `titrate-${queue}`,
    settings: [...WORKER_SETTINGS, ...settings],
    scaling,
    resources,
  };
}

const waiting = (what: string) => `${what} that wait on its queue, as KEDA's temporal scaler asks for them`;

/** What runs, named once: manifests, the compose file, Terraform and the documents are held to this. */
export const COMPONENTS: Readonly<Record<ComponentName, Component>> = {
  orchestration: worker('orchestration', {
    what: 'workflows: campaigns, rounds, rollouts',
    scaling: {
      by: 'keda-temporal',
      signal: waiting('workflow tasks'),
      target: '50',
      unit: 'pods',
      bounds: bounds({ min: 1, max: 1 }, { min: 1, max: 10 }),
      why: 'A task takes milliseconds, so fifty are a second of work. Never none: signals and updates are answered here, and the first one must not wait for a pod.',
    },
    resources: { cpu: '500m', memory: '1Gi', memoryLimit: '2Gi', gpu: 0 },
  }),
  featurization: worker('featurization', {
    what: 'standardising and features: RDKit in threads',
    scaling: {
      by: 'keda-temporal',
      signal: waiting('activities'),
      target: '4',
      unit: 'pods',
      bounds: bounds({ min: 0, max: 1 }, { min: 0, max: 40 }),
      why: 'A pod takes four activities at once, two a thread. Idle between rounds, so none; forty are eighty CPUs, with which a million molecules are a matter of minutes. More would wait for the object store.',
    },
    resources: { cpu: '2', memory: '2Gi', memoryLimit: '4Gi', gpu: 0 },
  }),
  gpu: worker('gpu', {
    what: 'models: explore, evaluate, train, score, pick',
    image: 'training',
    scaling: {
      by: 'keda-temporal',
      signal: waiting('activities'),
      target: '1',
      unit: 'pods',
      bounds: bounds({ min: 0, max: 1 }, { min: 0, max: 8 }),
      why: 'A GPU is the dearest part and does one thing at a time: one a task, none when nothing waits. Eight let as many campaigns train at once; the rest wait in the queue. Kept for 15 minutes, since the steps of a round follow one another.',
    },
    resources: { cpu: '4', memory: '12Gi', memoryLimit: '16Gi', gpu: 1 },
  }),
  warehouse: worker('warehouse', {
    what: 'sources, dataset versions, the warehouse',
    scaling: {
      by: 'fixed',
      signal: 'none',
      target: null,
      unit: 'pods',
      bounds: always(1),
      why: 'A single writer: dataset versions are made one after another. The work itself is done by BigQuery and Dataflow.',
    },
    resources: { cpu: '1', memory: '2Gi', memoryLimit: '4Gi', gpu: 0 },
  }),
  deploy: worker('deploy', {
    what: 'registry, gates, rollout, drift, reports',
    settings: DEPLOY_SETTINGS,
    scaling: {
      by: 'keda-temporal',
      signal: waiting('activities'),
      target: '8',
      unit: 'pods',
      bounds: bounds({ min: 1, max: 1 }, { min: 1, max: 4 }),
      why: 'A pod takes eight activities at once, most of which wait for servers. Never none: taking a bad model back must not wait for a pod.',
    },
    resources: { cpu: '500m', memory: '1Gi', memoryLimit: '2Gi', gpu: 0 },
  }),
  inference: {
    name: 'inference',
    what: 'predictions of one campaign: the deploy worker makes its servers',
    kind: 'server',
    image: 'worker',
    command: ['node', '--enable-source-maps', 'dist/workers/inference.js'],
    ports: { http: INFERENCE_PORT, metrics: INFERENCE_PORT },
    health: { path: '/v2/health/ready' },
    serviceAccount: 'titrate-inference',
    settings: [...SHARED_SETTINGS.filter((name) => name !== 'TITRATE_PROFILE'), 'TITRATE_INFERENCE_AUTH'],
    scaling: {
      by: 'hpa',
      signal: 'CPU, and titrate_inference_queue_molecules of each pod',
      target: '70 % of the CPU asked for, or 500 molecules',
      unit: 'pods of a campaign',
      bounds: bounds({ min: 1, max: 2 }, { min: 2, max: 20 }),
      why: 'Two, so that a node may go. CPU follows the load; the queue sees what CPU does not: requests that wait while a model is loaded.',
    },
    resources: { cpu: '1', memory: '2Gi', memoryLimit: '2Gi', gpu: 0 },
  },
  temporal: {
    name: 'temporal',
    what: 'Temporal server and its web page: Temporal Cloud, or self-hosted',
    kind: 'server',
    image: null,
    command: null,
    ports: { grpc: TEMPORAL_PORTS.grpc, http: TEMPORAL_PORTS.ui, metrics: TEMPORAL_PORTS.metrics },
    health: { exec: ['temporal', 'operator', 'cluster', 'health'] },
    serviceAccount: null,
    settings: [],
    scaling: {
      by: 'fixed',
      signal: 'none',
      target: null,
      unit: 'pods of each service',
      bounds: bounds({ min: 1, max: 1 }, { min: 2, max: 2 }),
      why: 'Self-hosted: two of each service, so that a node may go. A campaign makes a few events a minute; the number of history shards is what cannot be changed later. Temporal Cloud scales by itself.',
    },
    resources: null,
  },
};

export const WORKERS: readonly Component[] = TASK_QUEUES.map((queue) => COMPONENTS[queue]);
