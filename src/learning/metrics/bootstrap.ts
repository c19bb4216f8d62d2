import type { Interval } from '../../contracts';
import { createRandom } from '../../foundation';

/** Resamples of a bootstrap: the ends of a 95 % interval then rest on some 25 resamples each. */
const RESAMPLES = 1000;
/** Share of the resamples beyond each end of a central 95 % interval. */
const TAIL = 0.025;

/**
 * Central 95 % percentile intervals of several statistics by one bootstrap (Efron and Tibshirani 1993, chapter 13).
 * @param strata rows that are resampled within: each keeps its size, so that a rare class stays in every resample.
 * @param statistics of a resample, given how often each row was drawn (length n); numbers that are not finite are passed over.
 * @returns one interval a statistic, in their order. The same seed gives the same intervals.
 */
export function bootstrapIntervals(
  strata: readonly (readonly number[])[],
  statistics: (times: Uint16Array) => readonly number[],
  seed: number,
): Interval[] {
  const random = createRandom(seed);
  const times = new Uint16Array(strata.reduce((sum, rows) => sum + rows.length, 0));
  const values: number[][] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    times.fill(0);
    for (const rows of strata)
      for (let draw = 0; draw < rows.length; draw++) times[rows[random.below(rows.length)]!]!++;
    statistics(times).forEach((value, k) => {
      if (Number.isFinite(value)) (values[k] ??= []).push(value);
    });
  }
  return values.map((drawn) => {
    const sorted = Float64Array.from(drawn).sort();
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
    return [at(TAIL), at(1 - TAIL)];
  });
}
