import { hypergeometricTail } from './hypergeometric';
import { normalScores } from './normal-scores';
import { permutationPValue } from './permutation-tail';

/** Two sorted samples side by side: what tests of location and of shape need. */
export interface Comparison {
  /** Rows of the window and of the reference. */
  readonly n: number;
  readonly m: number;
  /** Sum of the window's normal scores within both samples together; equal values share the mean score of theirs. */
  readonly sum: number;
  /** The same in standard deviations of a random draw: for choosing among many, not for a p-value. */
  readonly z: number;
  /** Cliff's delta, -1..1: P(window > reference) - P(window < reference). */
  readonly delta: number;
  /** Largest distance of the two distribution functions, 0..1 (Kolmogorov and Smirnov). */
  readonly distance: number;
}

/** Walks two sorted samples from the smallest value on, one group of equal values at a time. */
function walk(
  window: ArrayLike<number>,
  reference: ArrayLike<number>,
  visit: (inWindow: number, inReference: number, before: number) => void,
): void {
  let [i, j] = [0, 0];
  while (i < window.length || j < reference.length) {
    const value = Math.min(
      i < window.length ? window[i]! : Infinity,
      j < reference.length ? reference[j]! : Infinity,
    );
    const before = i + j;
    let [a, b] = [0, 0];
    while (i < window.length && window[i] === value) [i, a] = [i + 1, a + 1];
    while (j < reference.length && reference[j] === value) [j, b] = [j + 1, b + 1];
    visit(a, b, before);
  }
}

/** @param window and @param reference sorted, finite, at least one value each */
export function compare(window: ArrayLike<number>, reference: ArrayLike<number>): Comparison {
  const [n, m] = [window.length, reference.length];
  const scores = normalScores(n + m);
  let [sum, squares, wins, distance] = [0, 0, 0, 0];
  let [a, b] = [0, 0];
  walk(window, reference, (inWindow, inReference, before) => {
    const size = inWindow + inReference;
    let score = 0;
    for (let at = before; at < before + size; at++) score += scores[at]! / size;
    sum += inWindow * score;
    squares += size * score * score;
    wins += inWindow * (b - (m - b - inReference));
    a += inWindow;
    b += inReference;
    distance = Math.max(distance, Math.abs(a / n - b / m));
  });
  const deviation = Math.sqrt((n * m * squares) / ((n + m) * Math.max(1, n + m - 1)));
  return { n, m, sum, z: deviation > 0 ? sum / deviation : 0, delta: wins / (n * m), distance };
}

/** Two-sided p-value of a difference in location, valid for every sample size: normal scores, permuted. */
export function locationPValue(
  window: ArrayLike<number>,
  reference: ArrayLike<number>,
  { sum, n, m }: Comparison,
): number {
  const all = normalScores(n + m);
  const scores = new Float64Array(n + m);
  walk(window, reference, (inWindow, inReference, before) => {
    const size = inWindow + inReference;
    let score = 0;
    for (let at = before; at < before + size; at++) score += all[at]! / size;
    scores.fill(score, before, before + size);
  });
  return permutationPValue(scores, n, sum);
}

/**
 * P-value of the distance of two distribution functions: the first term of Kolmogorov's series, which bounds the series from above.
 * Equal values make it larger than it need be.
 */
export const distancePValue = ({ n, m, distance }: Comparison): number =>
  Math.min(1, 2 * Math.exp((-2 * n * m * distance * distance) / (n + m)));

/** P-value of a share that is larger in the window, `k` of `n` against `l` of `m` (Fisher's exact test, one-sided). */
export const largerSharePValue = (k: number, n: number, l: number, m: number): number =>
  hypergeometricTail(k, n, k + l, n + m);

/** Two-sided: twice the smaller tail. */
export const sharePValue = (k: number, n: number, l: number, m: number): number =>
  Math.min(1, 2 * Math.min(largerSharePValue(k, n, l, m), largerSharePValue(n - k, n, m - l, m)));

/** Two-sided p-value of a difference of any scores that were fixed without regard to which sample a row is of. */
export function meanPValue(window: ArrayLike<number>, reference: ArrayLike<number>): number {
  const scores = new Float64Array(window.length + reference.length);
  scores.set(window, 0);
  scores.set(reference, window.length);
  let sum = 0;
  for (let i = 0; i < window.length; i++) sum += scores[i]!;
  return permutationPValue(scores, window.length, sum);
}

/**
 * Two-sided p-value of a difference in spread of two samples that were centred on their own middle: chi-squared scores of the absolute
 * values (J. Klotz, Ann. Math. Stat. 33 (1962) 498), permuted.
 * @param window and @param reference absolute values, sorted
 */
export function spreadPValue(window: ArrayLike<number>, reference: ArrayLike<number>): number {
  const total = window.length + reference.length;
  // Ranks of absolute values among |Z|: the upper half of twice as many normal scores.
  const half = normalScores(2 * total + 1).subarray(total + 1);
  const scores = new Float64Array(total);
  let sum = 0;
  walk(window, reference, (inWindow, inReference, before) => {
    const size = inWindow + inReference;
    let score = 0;
    for (let at = before; at < before + size; at++) score += half[at]! ** 2 / size;
    scores.fill(score, before, before + size);
    sum += inWindow * score;
  });
  return permutationPValue(scores, window.length, sum);
}
