import type { CampaignConfig } from '../contracts';

/** A candidate and what the model says of it; sd = calibrated total of the noise-free function (epistemic x scale). */
export interface Candidates {
  readonly moleculeIds: readonly string[];
  /** Absent before anything is measured. */
  readonly model?: {
    readonly mean: Float64Array;
    /** Epistemic standard deviation, calibrated: what acquisition functions call sigma. */
    readonly sigma: Float64Array;
    /** Joint posterior draws for Thompson sampling, one array a draw, each with one value a candidate. */
    readonly draws?: readonly Float64Array[];
  };
}

export interface SelectRequest {
  readonly candidates: Candidates;
  /** Never picked: measured, pending, failed without retry. */
  readonly excluded: ReadonlySet<string>;
  readonly direction: CampaignConfig['objective']['direction'];
  readonly acquisition: CampaignConfig['acquisition'];
  readonly batchSize: number;
  /** Best measured value so far (uncensored); null before any. */
  readonly incumbent: number | null;
  readonly seed: number;
}

export interface SelectedPick {
  /** Index into `candidates.moleculeIds`. */
  readonly index: number;
  readonly moleculeId: string;
  readonly strategy: 'random' | 'greedy' | 'ucb' | 'ei' | 'thompson';
  /** The acquisition function's value; absent for random picks. */
  readonly value?: number;
  readonly reason: string;
}
