import { TitrateError, type CampaignConfig, type FeatureMatrix } from '../../contracts';
import type { GoalSpec } from '../acquisition';

/** A set whose values are known, and are given out as if an assay had measured them. */
export interface ReplayTable {
  /** One row a candidate; its `moleculeIds` are unique. */
  readonly features: FeatureMatrix;
  /** Row by row; null: the assay gives nothing, so measuring the candidate costs budget and teaches nothing. */
  readonly values: readonly (number | null)[];
  /** `screen`: values are 0 or 1. */
  readonly kind: 'property' | 'screen';
  /** Further properties that measuring a candidate tells as well, row by row; null: nothing. */
  readonly others?: readonly { readonly property: string; readonly values: readonly (number | null)[] }[];
}

/** Several properties: how the table's further ones are looked at. */
export interface SeveralProperties {
  /** Of the first property: its name, and the worst value that is of interest. */
  readonly property: string;
  readonly reference?: number;
  /** As the table's `others`, in their order. */
  readonly others: readonly {
    readonly property: string;
    readonly direction: 'maximize' | 'minimize';
    readonly reference?: number;
  }[];
}

/**
 * What goes wrong in the laboratory, as shares of a batch, rounded; a molecule suffers one mishap at most. First molecules are
 * spared, so that runs with and without mishaps begin alike.
 */
export interface Mishaps {
  /** Tried, and no value. */
  readonly failed: number;
  /** Never tried: a candidate again. */
  readonly abandoned: number;
  /** Comes back with the next batch, and is pending until then. */
  readonly late: number;
  /** Comes back wrong, and is put right with the next batch: a property by noise of the standard deviation of all values, a screen inverted. */
  readonly corrected: number;
  /** Whether molecules that failed are candidates again, as `lab.retryFailed` of a campaign. */
  readonly retryFailed: boolean;
  /** Batches that it happens in, from 1; absent: every one. */
  readonly batches?: readonly number[];
}

export interface ReplayProtocol {
  readonly direction: CampaignConfig['objective']['direction'];
  /** What batches are chosen for. */
  readonly goal: GoalSpec;
  /** Of a table with further properties; under a goal other than `pareto` they are measured and judged, and batches go by the first alone. */
  readonly several?: SeveralProperties;
  /** Candidates measured before the first cycle, drawn at random, and in each cycle. */
  readonly initial: number;
  readonly batch: number;
  readonly rounds: number;
  /** The best so many values are what is looked for. */
  readonly top: number;
  readonly acquisition: CampaignConfig['acquisition'];
  /** Molecules held out: never candidates, the model is judged on them. 0: none, and nothing is judged. */
  readonly test: number;
  readonly mishaps?: Mishaps;
}

/** One run; arrays begin with the start, then one entry a cycle. */
export interface ReplayRun {
  readonly seed: number;
  readonly strategy: string;
  /**
   * Share of the top `top` values that was found, counted by value: equal values stand for one another. What is still out when the
   * last batch is back is waited for and counts in the last entry.
   */
  readonly recall: readonly number[];
  /** Recall over the share of the pool that was measured: 1 is chance. */
  readonly enrichment: readonly number[];
  /** Of the top `top`, or of the actives of a screen, how many were found. */
  readonly hits: readonly number[];
  /** Measurements that were paid for, values or not. */
  readonly measured: readonly number[];
  /** Values that were there. */
  readonly labels: readonly number[];
  /** CPU seconds of all threads: fit, score, pick. */
  readonly cpuSecondsPerCycle: readonly number[];
  /** What `auto` decided on for each batch. */
  readonly decided?: readonly string[];
  /** Share of the top that was ever proposed, whatever became of it; with mishaps. */
  readonly proposed?: readonly number[];
  /**
   * Of several properties: what the molecules with all values cover, as a share of what the best of the whole pool do, and how many are on the
   * front. From the reference points that were given, or those of the pool's own front.
   */
  readonly hypervolume?: readonly number[];
  readonly frontSize?: readonly number[];
  /** On the held-out molecules, in the unit of the values; null while there was no model. */
  readonly rmse?: readonly (number | null)[];
  /** Share of the held-out values inside the 90 % interval. */
  readonly coverage90?: readonly (number | null)[];
  /** Of a screen. */
  readonly auroc?: readonly (number | null)[];
  readonly auprc?: readonly (number | null)[];
  readonly logLoss?: readonly (number | null)[];
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
