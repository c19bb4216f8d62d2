import type { TrackedArtifact, TrackedArtifactName, TrackedRun } from '../contracts';

/** What lies at the destination under an artifact's name: file names and what was found in them when they were read. */
export interface ArtifactThere extends TrackedArtifactName {
  readonly type: string;
  readonly metadata: TrackedArtifact['metadata'];
  readonly files: readonly { readonly name: string; readonly sha256: string; readonly bytes: number }[];
}

/**
 * Where runs and artifacts are looked at. Every call may be repeated, also after it was cut off half-way: what is there twice is
 * there once. Nothing counts as delivered before it has been read back (see deliver.ts).
 *
 * Adapters: records in the object store, Weights & Biases. Every adapter passes tests/contract/tracker.
 * @throws TitrateError unavailable when trying again may help; config-invalid when a person has to act.
 */
export interface ExperimentTracker {
  /** Names the place in the records of what was delivered: `local`, `https://api.wandb.ai/chemists/titrate`. */
  readonly destination: string;
  /** Brings runs there as they are given; of one that is there already the history only grows. */
  putRuns(runs: readonly TrackedRun[], signal: AbortSignal): Promise<void>;
  run(runId: string, signal: AbortSignal): Promise<TrackedRun | null>;
  /** Brings a version there, after the run that made it. A version that is there already stays as it is. */
  putArtifact(artifact: TrackedArtifact, signal: AbortSignal): Promise<void>;
  artifact(name: TrackedArtifactName, signal: AbortSignal): Promise<ArtifactThere | null>;
  /** @throws not-found when the version is not there. */
  moveAlias(name: TrackedArtifactName, alias: string, signal: AbortSignal): Promise<void>;
  /** The version an alias is on; null when there is none. */
  aliased(collection: string, alias: string, signal: AbortSignal): Promise<string | null>;
}
