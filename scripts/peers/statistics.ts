/**
 * Errors of predictions and what chance leaves of their differences. Pure; everything random comes from a seed.
 *
 * The bootstrap resamples splits, and within each the test rows (each class by itself, so that none is without an active), with the
 * same rows for every method: differences are paired. Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 */
import { createRandom } from '../../src/foundation';

export interface Interval {
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
}

/** An error or score of fixed predictions, of rows that count `weights[i]` times each. */
export type WeightedScore = (weights: ArrayLike<number>) => number;

export const ones = (n: number): Float64Array => new Float64Array(n).fill(1);

/** Root of the mean squared error, in the unit of the values. */
export function rmseScore(observed: readonly number[], predicted: readonly number[]): WeightedScore {
  const squares = observed.map((value, i) => (value - predicted[i]!) ** 2);
  return (weights) => {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < squares.length; i++) {
      sum += weights[i]! * squares[i]!;
      count += weights[i]!;
    }
    return Math.sqrt(sum / count);
  };
}

/**
 * Average precision, the area under the precision-recall curve by steps: the sum over thresholds of precision times the gain in
 * recall; rows of equal score are one threshold. NaN where no weight is on a positive.
 * @param labels 0 or 1.
 */
export function averagePrecisionScore(labels: readonly number[], scores: readonly number[]): WeightedScore {
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
  return (weights) => {
    let positives = 0;
    let seen = 0;
    let area = 0;
    for (let from = 0; from < order.length;) {
      let gain = 0;
      let to = from;
      for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to++) {
        gain += weights[order[to]!]! * labels[order[to]!]!;
        seen += weights[order[to]!]!;
      }
      positives += gain;
      if (gain > 0) area += (gain * positives) / seen;
      from = to;
    }
    return area / positives;
  };
}

/** Linear interpolation between order statistics, as NumPy's default. @param q from 0 to 1. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

const LOWER = 0.025;
const UPPER = 0.975;
/** Standard normal quantile of UPPER. */
const Z95 = 1.959963984540054;

/** 95 % percentile interval around a known value. */
export const intervalOf = (mean: number, draws: ArrayLike<number>): Interval => ({
  mean,
  lower: quantile(draws, LOWER),
  upper: quantile(draws, UPPER),
});

/** Wilson's 95 % interval of a share (J. Am. Stat. Assoc. 22 (1927) 209). */
export function shareInterval(successes: number, total: number): Interval {
  const share = successes / total;
  const z2 = Z95 * Z95;
  const centre = (share + z2 / (2 * total)) / (1 + z2 / total);
  const half = (Z95 / (1 + z2 / total)) * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total));
  return { mean: share, lower: centre - half, upper: centre + half };
}

/** One split's test rows in groups that are resampled each by itself (the classes; one group for regression). */
export type Strata = readonly (readonly number[])[];

export interface BootstrapInput {
  /** One entry a split. */
  readonly strata: readonly Strata[];
  /** By method, then by split. */
  readonly scores: readonly (readonly WeightedScore[])[];
  readonly resamples: number;
  readonly seed: number;
}

/** By method, then by resample: the mean of the score over the splits drawn. */
export function bootstrapMeans({ strata, scores, resamples, seed }: BootstrapInput): Float64Array[] {
  const random = createRandom(seed);
  const means = scores.map(() => new Float64Array(resamples));
  const sizes = strata.map((groups) => groups.reduce((sum, group) => sum + group.length, 0));
  for (let resample = 0; resample < resamples; resample++) {
    for (let draw = 0; draw < strata.length; draw++) {
      const split = random.below(strata.length);
      const weights = new Float64Array(sizes[split]!);
      for (const group of strata[split]!) {
        for (let i = 0; i < group.length; i++) weights[group[random.below(group.length)]!]! += 1;
      }
      for (const [method, own] of scores.entries()) {
        means[method]![resample]! += own[split]!(weights) / strata.length;
      }
    }
  }
  return means;
}

export type Verdict = 'better' | 'level' | 'worse';

/** What an interval of ours minus theirs says; level if it holds 0. */
export function verdictOf(difference: Interval, lowerIsBetter: boolean): Verdict {
  if (difference.lower <= 0 && difference.upper >= 0) return 'level';
  return difference.upper < 0 === lowerIsBetter ? 'better' : 'worse';
}
