import { TitrateError, type ProbabilityCalibration } from '../../contracts';
import { logLossOf } from '../metrics';

/** Probabilities are kept this far from 0 and 1 before their logit is taken: a tree of votes may give either. */
export const EDGE = 1e-6;
/** A slope below this would turn the order of molecules round, or make them all equal. */
const MIN_SLOPE = 0.05;
const NEWTON_STEPS = 100;
/** Steps of slope and intercept below this change no probability that is printed. */
const CONVERGED = 1e-10;

export const logit = (p: number): number => {
  const kept = Math.min(1 - EDGE, Math.max(EDGE, p));
  return Math.log(kept / (1 - kept));
};
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * Platt scaling of out-of-fold probabilities: logistic regression of the class on the logit by Newton's method, with Platt's
 * smoothed targets (1999; Lin, Lin and Weng 2007, Machine Learning 68, 267), which keep a separable set finite.
 * The order of molecules stays, because the slope is positive (at least 0.05).
 * @param observed classes 0 and 1, length n. @param probability out of fold, length n.
 * @returns slope 1 and intercept 0 where one class is missing: there is nothing to learn from.
 * @throws internal if lengths differ, numerical if a probability is not finite
 */
export function calibrateProbability(
  observed: Float64Array,
  probability: Float64Array,
): ProbabilityCalibration {
  const n = observed.length;
  if (probability.length !== n)
    throw new TitrateError('internal', { what: `${n} classes go with ${probability.length} probabilities` });
  const bad = probability.findIndex((p) => !Number.isFinite(p));
  if (bad >= 0)
    throw new TitrateError('numerical', {
      what: `row ${bad}: the predicted probability is ${probability[bad]}`,
    });
  const positives = observed.reduce((sum, y) => sum + y, 0);
  const logits = probability.map(logit);
  const fitted =
    positives > 0 && positives < n
      ? fitLogistic(logits, smoothed(observed, positives))
      : { slope: 1, intercept: 0 };
  const loss = (p: (i: number) => number) =>
    n === 0 ? 0 : observed.reduce((sum, y, i) => sum + logLossOf(y, p(i)) / n, 0);
  return {
    task: 'classification',
    ...fitted,
    n,
    logLossBefore: loss((i) => probability[i]!),
    logLossAfter: loss((i) => sigmoid(fitted.slope * logits[i]! + fitted.intercept)),
  };
}

const smoothed = (observed: Float64Array, positives: number): Float64Array => {
  const negatives = observed.length - positives;
  return observed.map((y) => (y === 1 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2)));
};

function fitLogistic(x: Float64Array, target: Float64Array): { slope: number; intercept: number } {
  const loss = (slope: number, intercept: number) =>
    x.reduce((sum, value, i) => {
      const z = slope * value + intercept;
      return sum + Math.max(z, 0) - z * target[i]! + Math.log1p(Math.exp(-Math.abs(z)));
    }, 0);
  let [slope, intercept] = [1, 0];
  for (let step = 0; step < NEWTON_STEPS; step++) {
    let [gradA, gradB, aa, ab, bb] = [0, 0, 1e-12, 0, 1e-12];
    x.forEach((value, i) => {
      const p = sigmoid(slope * value + intercept);
      const weight = p * (1 - p);
      gradA += (p - target[i]!) * value;
      gradB += p - target[i]!;
      aa += weight * value * value;
      ab += weight * value;
      bb += weight;
    });
    const determinant = aa * bb - ab * ab;
    if (!(determinant > 0)) break;
    const moveA = -(bb * gradA - ab * gradB) / determinant;
    const moveB = -(aa * gradB - ab * gradA) / determinant;
    // Backtracking: far from the optimum a full Newton step may overshoot.
    const now = loss(slope, intercept);
    let share = 1;
    while (share > 1e-6 && !(loss(slope + share * moveA, intercept + share * moveB) <= now)) share /= 2;
    slope += share * moveA;
    intercept += share * moveB;
    if (Math.abs(share * moveA) + Math.abs(share * moveB) < CONVERGED) break;
  }
  return slope >= MIN_SLOPE
    ? { slope, intercept }
    : { slope: MIN_SLOPE, intercept: baseIntercept(x, target) };
}

/** With the slope held at its least, the intercept that gives the mean of the targets at the mean logit. */
function baseIntercept(x: Float64Array, target: Float64Array): number {
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value / values.length, 0);
  return logit(mean(target)) - MIN_SLOPE * mean(x);
}
