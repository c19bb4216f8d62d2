import type { ModelVersion } from '../contracts';

export interface DeployRequest {
  readonly campaignId: string;
  readonly version: ModelVersion;
  /** A retry of the same operation rolls once. */
  readonly operationId: string;
  readonly author: string;
  readonly reason: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

export interface Deployment {
  readonly version: string | null;
  /**
   * ready: the server answers with this version. superseded: a later operation asked for another one. held: somebody holds
   * production at another version.
   */
  readonly status: 'ready' | 'failed' | 'superseded' | 'held';
  readonly endpoint: string;
  readonly message: string;
}

/** Brings the serving side to a desired model version and tells what was observed. Adapters: local, Kubernetes. */
export interface Deployer {
  deploy(request: DeployRequest): Promise<Deployment>;
  /** What serves now. */
  observe(campaignId: string): Promise<Deployment>;
}
