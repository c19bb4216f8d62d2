import type { ModelVersion, TrialMode } from '../contracts';

export type { TrialMode };

export interface DeployRequest {
  readonly campaignId: string;
  /** What answers everything that is not on trial: the stable version. */
  readonly version: ModelVersion;
  /** A retry of the same operation rolls once. */
  readonly operationId: string;
  readonly author: string;
  readonly reason: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

export interface TrialRequest extends Omit<DeployRequest, 'version'> {
  /** Null ends the trial. */
  readonly candidate: {
    readonly version: ModelVersion;
    readonly mode: TrialMode;
    /** Percent of the requests that the candidate answers (canary) or is asked beside (shadow), 0..100. */
    readonly share: number;
  } | null;
  /** Ending: only while this version id is on trial; what somebody else has put on trial since goes on. */
  readonly only?: string;
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

/** What serves now, and what is on trial beside it. */
export interface Observation extends Deployment {
  readonly candidate: {
    readonly version: string;
    readonly mode: TrialMode;
    readonly share: number;
    readonly ready: boolean;
    /** It will not become ready, or has ended. Left out: not known. */
    readonly failed?: boolean;
    readonly message: string;
  } | null;
}

/** Brings the serving side to a desired model version and tells what was observed. Adapters: local, Kubernetes. */
export interface Deployer {
  readonly kind: 'local' | 'kubernetes';
  deploy(request: DeployRequest): Promise<Deployment>;
  /**
   * Brings a version on trial beside what serves, to a share, or ends the trial. Idempotent under the operation id; a later
   * operation supersedes.
   */
  trial(request: TrialRequest): Promise<Deployment>;
  observe(campaignId: string): Promise<Observation>;
}
