import { normalCdf } from '../foundation';
import type { HeldOutPrediction } from '../contracts';

/** log Gamma(x) for x > 0: Stirling's series after a shift to x >= 10 (Abramowitz & Stegun 6.1.41); about 1e-14 relative. */
function logGamma(x: number): number {
  let shift = 0;
  while (x < 10) shift += Math.log(x++);
  const i = 1 / x;
  const i2 = i * i;
  const series = i * (1 / 12 - i2 * (1 / 360 - i2 * (1 / 1260 - i2 * (1 / 1680 - i2 / 1188))));
  return (x - 0.5) * Math.log(x) - x + 0.9189385332046728 + series - shift;
}

const logChoose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

/**
 * Central interval of the number of top molecules among `drawn` molecules taken at random, without replacement, from a pool:
 * the smallest counts whose cumulative hypergeometric probability reaches (1 - level)/2 and (1 + level)/2.
 * @param pool molecules in the pool; @param top of them in the top; 0 <= top, drawn <= pool.
 */
export function hypergeometricInterval(
  pool: number,
  top: number,
  drawn: number,
  level: number,
): [number, number] {
  const lowest = Math.max(0, drawn + top - pool);
  const highest = Math.min(top, drawn);
  let logP = logChoose(top, lowest) + logChoose(pool - top, drawn - lowest) - logChoose(pool, drawn);
  let cumulative = 0;
  let low: number | null = null;
  for (let k = lowest; k <= highest; k++) {
    cumulative += Math.exp(logP);
    // Rounding must not push a quantile past the value that holds all the probability.
    if (low === null && cumulative >= (1 - level) / 2 - 1e-12) low = k;
    if (cumulative >= (1 + level) / 2 - 1e-12) return [low ?? k, k];
    logP += Math.log(top - k) + Math.log(drawn - k) - Math.log(k + 1) - Math.log(pool - top - drawn + k + 1);
  }
  return [low ?? highest, highest];
}

/**
 * Expected best value among `drawn` values taken at random, without replacement.
 * @param bestFirst all values, the best one first; @param drawn between 1 and their number.
 */
export function expectedBest(bestFirst: readonly number[], drawn: number): number {
  const n = bestFirst.length;
  let probability = drawn / n;
  let expected = 0;
  for (let i = 0; i <= n - drawn; i++) {
    expected += probability * bestFirst[i]!;
    probability *= (n - i - drawn) / (n - i - 1 || 1);
  }
  return expected;
}

const Z_95 = 1.959963984540054;

/** Wilson's 95 % score interval of a proportion (Wilson 1927). */
export function wilsonInterval(hits: number, n: number): [number, number] {
  const z2 = Z_95 * Z_95;
  const centre = (hits + z2 / 2) / (n + z2);
  const half = (Z_95 * Math.sqrt((hits * (n - hits)) / n + z2 / 4)) / (n + z2);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** Held-out RMSE of a model that always answers the mean of the observed values, in their unit. */
export function meanPredictorRmse(observed: readonly number[]): number {
  const mean = observed.reduce((sum, y) => sum + y, 0) / observed.length;
  return Math.sqrt(observed.reduce((sum, y) => sum + (y - mean) ** 2, 0) / observed.length);
}

/** Share of values inside the central interval, for a nominal share of each of `nominal`. */
export interface CoverageCurve {
  readonly nominal: readonly number[];
  /** With the calibrated standard deviations, and with those the model gave before calibration. */
  readonly after: readonly number[];
  readonly before: readonly number[];
}

export const NOMINAL_COVERAGE = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

/**
 * Observed against nominal coverage of central normal intervals.
 * @param scale what calibration multiplied the standard deviations by
 */
export function coverageCurve(predictions: readonly HeldOutPrediction[], scale: number): CoverageCurve {
  // The narrowest central interval that holds the value has this nominal coverage.
  const needed = (factor: number) =>
    predictions.map((p) => {
      const z = Math.abs(p.observed - p.predicted) / (p.standardDeviation * factor);
      return Number.isNaN(z) ? 0 : 2 * normalCdf(z) - 1;
    });
  const curve = (levels: number[]) =>
    NOMINAL_COVERAGE.map((share) => levels.filter((level) => level <= share).length / levels.length);
  return { nominal: NOMINAL_COVERAGE, after: curve(needed(1)), before: curve(needed(1 / scale)) };
}

/** Mean absolute error and RMSE of pairs of (predicted, observed). */
export function errorsOf(pairs: readonly { readonly predicted: number; readonly observed: number }[]): {
  mae: number;
  rmse: number;
} {
  const n = pairs.length;
  return {
    mae: pairs.reduce((sum, p) => sum + Math.abs(p.observed - p.predicted), 0) / n,
    rmse: Math.sqrt(pairs.reduce((sum, p) => sum + (p.observed - p.predicted) ** 2, 0) / n),
  };
}
