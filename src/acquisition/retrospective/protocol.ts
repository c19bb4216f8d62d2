import { TitrateError, type CampaignConfig, type FeatureMatrix } from '../../contracts';

/** A set whose values are known, and are given out as if an assay had measured them. */
export interface ReplayTable {
  /** One row a candidate; its `moleculeIds` are unique. */
  readonly features: FeatureMatrix;
  /** Row by row; null: the assay gives nothing, so measuring the candidate costs budget and teaches nothing. */
  readonly values: readonly (number | null)[];
  /** `screen`: values are 0 or 1. */
  readonly kind: 'property' | 'screen';
}

export interface ReplayProtocol {
  readonly direction: CampaignConfig['objective']['direction'];
  /** Candidates measured before the first cycle, drawn at random, and in each cycle. */
  readonly initial: number;
  readonly batch: number;
  readonly rounds: number;
  /** The best so many values are what is looked for. */
  readonly top: number;
  readonly acquisition: CampaignConfig['acquisition'];
}

/** One run; arrays begin with the start, then one entry a cycle. */
export interface ReplayRun {
  readonly seed: number;
  readonly strategy: string;
  /** Share of the top `top` values that was found, counted by value: equal values stand for one another. */
  readonly recall: readonly number[];
  /** Recall over the share of the pool that was measured: 1 is chance. */
  readonly enrichment: readonly number[];
  /** Of the top `top`, or of the actives of a screen, how many were found. */
  readonly hits: readonly number[];
  /** Candidates measured, values or not. */
  readonly measured: readonly number[];
  /** CPU seconds of all threads: fit, score, pick. */
  readonly cpuSecondsPerCycle: readonly number[];
}

/**
 * A number of candidates from an option: a share of the pool below 1, rounded up, or a count.
 * @throws usage
 */
export function sizeOf(wanted: number, poolSize: number, option: string): number {
  const size = wanted < 1 ? Math.ceil(wanted * poolSize - 1e-9) : wanted;
  if (wanted > 0 && Number.isInteger(size) && size <= poolSize) return size;
  throw new TitrateError('usage', {
    what: `${wanted} of a pool of ${poolSize}`,
    where: option,
    remedy: 'Give a share of the pool below 1, or a whole number of molecules, not more than it has',
  });
}
