/** How the inference servers of a cluster are made. One for an installation. */
export interface InferenceOptions {
  readonly namespace: string;
  /** Image of infra/docker/worker.Dockerfile, by digest or tag. */
  readonly image: string;
  /** Account of the pods. On GKE it carries the annotation of Workload Identity (infra/kubernetes). */
  readonly serviceAccount: string;
  /** TITRATE_* variables with which a pod finds the object store. */
  readonly env: Readonly<Record<string, string>>;
  /** Secret with further variables, such as TITRATE_INFERENCE_KEYS; there may be none. */
  readonly secret: string;
  readonly replicas: { readonly min: number; readonly max: number };
  /** Kubernetes quantities. */
  readonly cpu: string;
  readonly memory: string;
  /** The autoscaler's aims: percent of the CPU asked for, and the queue's metric, averaged over pods. */
  readonly targetCpuPercent: number;
  readonly queueMetric: string;
  readonly queueTarget: string;
  /** Gateway that takes the requests; null shares them by the ratio of replicas behind one Service. */
  readonly gateway: GatewayOptions | null;
}

export interface GatewayOptions {
  readonly name: string;
  readonly namespace: string;
  /** Where the Gateway listens; requests to `/…` of this name go to the campaign's models. `{campaign}` stands for the key. */
  readonly hostname: string;
}

export const INFERENCE_PORT = 8090;
