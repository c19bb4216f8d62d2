import type { TaskQueue } from '../../contracts';

export type Environment = 'dev' | 'prod';

/** Images that are built here, by their name in the registry. */
export type ImageName = 'worker' | 'training' | 'dataflow';

export type ComponentName = TaskQueue | 'inference' | 'temporal';

/** A Google service account; where a component has one, its Kubernetes account has the same name. */
export type IdentityName =
  | `titrate-${TaskQueue | 'inference'}`
  | 'titrate-dataflow'
  | 'titrate-training'
  | 'titrate-ci'
  | 'titrate-operator';

export type BucketName = 'objects' | 'tfstate';

export type SecretName = 'titrate-wandb-api-key' | 'titrate-inference-keys' | 'titrate-temporal-api-key';

export type ScaledBy = 'keda-temporal' | 'hpa' | 'fixed' | 'node-pool' | 'dataflow' | 'vertex';

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export interface Scaling {
  readonly by: ScaledBy;
  /** What is looked at, in words. */
  readonly signal: string;
  /** The signal's value for each unit, as the scaler takes it; null where nothing is aimed at. */
  readonly target: string | null;
  /** What is counted: pods, nodes, workers, jobs. */
  readonly unit: string;
  readonly bounds: Readonly<Record<Environment, Bounds>>;
  readonly why: string;
}

export interface Resources {
  /** Kubernetes quantities; asked for. */
  readonly cpu: string;
  readonly memory: string;
  readonly memoryLimit: string;
  /** NVIDIA GPUs; in an environment whose GPU pool has no nodes there are none. */
  readonly gpu: number;
}

export interface Component {
  readonly name: ComponentName;
  readonly what: string;
  readonly kind: 'worker' | 'server';
  /** Of a worker. */
  readonly taskQueue?: TaskQueue;
  /** null: not built here. */
  readonly image: ImageName | null;
  /** null: the image's own. */
  readonly command: readonly string[] | null;
  readonly ports: { readonly http?: number; readonly grpc?: number; readonly metrics: number };
  /** How it is seen to be well: a command in its container, or a path of its http port. */
  readonly health: { readonly exec: readonly string[] } | { readonly path: string };
  /** null: it calls no Google API. */
  readonly serviceAccount: IdentityName | null;
  /** TITRATE_* variables that it must have on Google Cloud; each is one of SETTING_VARIABLES. */
  readonly settings: readonly string[];
  readonly scaling: Scaling;
  /** null: not ours to say. */
  readonly resources: Resources | null;
}

/** A scaler of something that is no component: nodes, workers of jobs, jobs. */
export interface PlatformScaler extends Scaling {
  readonly name: string;
  readonly machineType?: string;
  readonly accelerator?: { readonly type: string; readonly count: number };
  readonly spot?: boolean;
  /** Components whose pods it carries (node pools). */
  readonly carries?: readonly ComponentName[];
}

export interface Identity {
  readonly name: IdentityName;
  /** Who acts as it: a pod by Workload Identity, jobs of a service, a pipeline by federation, people. */
  readonly by: 'pod' | 'job' | 'federation' | 'people';
  readonly what: string;
}

export interface Secret {
  readonly name: SecretName;
  /** The variable in which a process has it. */
  readonly variable: string;
  /** The Kubernetes Secret that carries it to pods. */
  readonly kubernetesSecret: string;
  readonly readBy: readonly ComponentName[];
  readonly what: string;
}

/** Where a role is bound; never wider than the work needs. */
export type Place =
  | 'project'
  | 'dataset'
  | 'repository'
  | `bucket:${BucketName}`
  | `secret:${SecretName}`
  | `serviceAccount:${IdentityName}`;

/** A role that an identity has on one place, and what of it the code uses. */
export interface Permission {
  /** A narrow predefined role, `roles/…`, or one of ours, `titrate.…`, whose permissions are those of all entries that name it. */
  readonly role: `roles/${string}` | `titrate.${string}`;
  readonly on: Place;
  /** IAM permissions that the code uses; a role of ours has just these. */
  readonly permissions: readonly string[];
  readonly why: string;
  /** The file that makes the call, from the root of the repository; what only a service does for it names the file that asks it to. */
  readonly codeRef: string;
}

export type Permissions = Readonly<Record<IdentityName, readonly Permission[]>>;
