/** Iterations of Newton's method for the best tilt; it stops long before. */
const MAX_STEPS = 60;
/** -log of a p-value that no alarm comes near: any bound is good enough there. */
const PLAIN = 3;

/** log of the mean of exp(tilt × score), and the mean of the scores tilted by it. */
function tilted(scores: Float64Array, tilt: number): { logMean: number; mean: number; variance: number } {
  let most = -Infinity;
  for (const score of scores) most = Math.max(most, tilt * score);
  let [sum, first, second] = [0, 0, 0];
  for (const score of scores) {
    const weight = Math.exp(tilt * score - most);
    sum += weight;
    first += weight * score;
    second += weight * score * score;
  }
  const mean = first / sum;
  return { logMean: most + Math.log(sum / scores.length), mean, variance: second / sum - mean * mean };
}

/**
 * An upper bound on P(S* >= sum), where S* is the sum of `count` of the scores drawn at random without replacement: the p-value of a
 * sample that was exchangeable with the rest of the scores. It holds for every number of rows and whatever the scores are, ties
 * included: Chernoff's bound with replacement bounds the draw without (W. Hoeffding, J. Am. Stat. Assoc. 58 (1963) 13, theorem 4).
 * No normal approximation is trusted in the far tail, where the alarms are.
 * @param scores of all rows, finite; @param count drawn, between 1 and their number; @param sum of the scores drawn
 */
export function permutationTail(scores: Float64Array, count: number, sum: number): number {
  const target = sum / count;
  let [centre, square] = [0, 0];
  for (const score of scores) centre += score / scores.length;
  for (const score of scores) square += (score - centre) ** 2 / scores.length;
  if (square === 0 || target <= centre) return 1;
  // What a normal distribution would give; it decides how long the search is, not what comes of it.
  const expected = (count * (target - centre) ** 2) / (2 * square);
  let [low, high] = [0, Infinity];
  let tilt = (target - centre) / square;
  let best = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    const { logMean, mean, variance } = tilted(scores, tilt);
    // Every tilt gives a bound: the smallest one counts, wherever the search ends.
    best = Math.min(best, count * (logMean - tilt * target));
    if (best < 0 && expected < PLAIN) break;
    if (Math.abs(mean - target) <= 1e-6 * Math.sqrt(square)) break;
    if (mean < target) low = tilt;
    else high = tilt;
    const next = variance > 0 ? tilt + (target - mean) / variance : 2 * tilt;
    tilt = next > low && next < high ? next : high === Infinity ? 2 * tilt : (low + high) / 2;
    if (tilt * Math.sqrt(square) > 700) break;
  }
  return Math.exp(best);
}

/** Both directions: twice the smaller tail. Sums over the smaller of the two samples, which the bound is sharper for. */
export function permutationPValue(scores: Float64Array, count: number, sum: number): number {
  const rest = scores.length - count;
  let total = 0;
  for (const score of scores) total += score;
  const [k, s] = rest < count ? [rest, total - sum] : [count, sum];
  const side = s / k >= total / scores.length ? 1 : -1;
  const turned = side === 1 ? scores : scores.map((score) => -score);
  return Math.min(1, 2 * permutationTail(turned, k, side * s));
}
