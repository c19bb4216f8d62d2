import type { VersionFigures } from '../../contracts';

/** What was counted of one version, summed up. */
export interface Totals {
  readonly requests: number;
  readonly errors: number;
  readonly predicted: number;
  readonly rejected: number;
  readonly sum: number;
  readonly squares: number;
  readonly pairs: number;
  readonly differences: number;
  readonly squaredDifferences: number;
  /** Cumulative histogram of latencies: upper end of a bucket in seconds, and how many requests took at most so long. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

/** Means and spreads out of sums, and quantiles out of buckets. */
export function figuresOf(version: string, totals: Totals): VersionFigures {
  const { requests, errors, predicted, rejected, sum, squares, pairs, buckets } = totals;
  const mean = sum / predicted;
  // Rounding may take the variance of equal values below 0.
  const variance = Math.max(0, squares / predicted - mean * mean);
  const p50 = quantile(0.5, buckets);
  const p99 = quantile(0.99, buckets);
  return {
    version,
    requests,
    errors,
    latencySeconds: p50 === null || p99 === null ? null : { p50, p99 },
    molecules: predicted,
    prediction: predicted > 0 ? { mean, standardDeviation: Math.sqrt(variance) } : null,
    rejected,
    agreement:
      pairs > 0
        ? {
            pairs,
            meanDifference: totals.differences / pairs,
            rmsDifference: Math.sqrt(Math.max(0, totals.squaredDifferences) / pairs),
          }
        : null,
  };
}

/** As PromQL's histogram_quantile: linear within a bucket; beyond the last finite end, that end. Null without an observation. */
export function quantile(q: number, buckets: Totals['buckets']): number | null {
  const sorted = [...buckets].sort((a, b) => a.le - b.le);
  const total = sorted.at(-1)?.count ?? 0;
  if (!(total > 0)) return null;
  const rank = q * total;
  const at = sorted.findIndex(({ count }) => count >= rank);
  const lower = at === 0 ? 0 : sorted[at - 1]!.le;
  const { le, count } = sorted[at]!;
  if (le === Infinity) return lower;
  const below = at === 0 ? 0 : sorted[at - 1]!.count;
  return lower + (le - lower) * ((rank - below) / (count - below));
}
