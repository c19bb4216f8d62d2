import { TitrateError, type ClassificationMetrics } from '../../contracts';
import { bootstrapIntervals } from './bootstrap';

/** Probabilities are kept this far from 0 and 1 in a logarithm, as scikit-learn does for float64. */
const MIN_PROBABILITY = Number.EPSILON;
/** Bins of the expected calibration error (Naeini et al. 2015), of equal size: rare actives would all share one of equal width. */
const CALIBRATION_BINS = 10;

/**
 * Held-out figures of a binary classification.
 * @param observed classes, 0 or 1, length n; both must occur.
 * @param probability of class 1, length n, 0..1.
 * @throws labels-insufficient unless both classes occur; numerical if a probability is none; internal if lengths differ.
 */
export function classificationMetrics(
  observed: Float64Array,
  probability: Float64Array,
): ClassificationMetrics {
  check(observed, probability);
  const n = observed.length;
  const curve = rankingOf(observed, probability);
  const positives = observed.reduce((sum, y) => sum + y, 0);
  let brier = 0;
  let logLoss = 0;
  observed.forEach((y, i) => {
    brier += (y - probability[i]!) ** 2 / n;
    logLoss += logLossOf(y, probability[i]!) / n;
  });
  const { auprc, auroc } = curve();
  const calibrationError = calibrationErrorOf(observed, probability);
  return { task: 'classification', n, positives, auprc, auroc, brier, logLoss, calibrationError };
}

/**
 * The same with 95 % intervals by a seeded bootstrap that resamples positives and negatives apart, so that the number of
 * positives is given: with few of them an interval of AUPRC is wide, and says so.
 */
export function classificationMetricsWithIntervals(
  observed: Float64Array,
  probability: Float64Array,
  seed: number,
): ClassificationMetrics {
  const metrics = classificationMetrics(observed, probability);
  const n = observed.length;
  const curve = rankingOf(observed, probability);
  const squares = observed.map((y, i) => (y - probability[i]!) ** 2);
  const losses = observed.map((y, i) => logLossOf(y, probability[i]!));
  const statistics = (times: Uint16Array) => {
    let [square, loss] = [0, 0];
    for (let i = 0; i < n; i++) {
      square += times[i]! * squares[i]!;
      loss += times[i]! * losses[i]!;
    }
    const { auprc, auroc } = curve(times);
    return [auprc, auroc, square / n, loss / n];
  };
  const rows = [...observed.keys()];
  const strata = [rows.filter((i) => observed[i] === 1), rows.filter((i) => observed[i] === 0)];
  const [auprc, auroc, brier, logLoss] = bootstrapIntervals(strata, statistics, seed);
  return { ...metrics, intervals: { auprc: auprc!, auroc: auroc!, brier: brier!, logLoss: logLoss! } };
}

/** Negative log likelihood of one class, nats. */
export function logLossOf(y: number, probability: number): number {
  const p = Math.min(1 - MIN_PROBABILITY, Math.max(MIN_PROBABILITY, probability));
  return y === 1 ? -Math.log(p) : -Math.log1p(-p);
}

/**
 * Sorts once; the function it returns gives the areas for rows counted `times` over (each once by default). Ties are one step of
 * the curves: average precision has no interpolation (as scikit-learn), and a tied pair counts half in AUROC.
 */
function rankingOf(
  observed: Float64Array,
  probability: Float64Array,
): (times?: Uint16Array) => { auprc: number; auroc: number } {
  const order = Int32Array.from(observed.keys()).sort((a, b) => probability[b]! - probability[a]! || a - b);
  return (times) => {
    let [truePositives, falsePositives, auprc, pairs] = [0, 0, 0, 0];
    for (let from = 0; from < order.length;) {
      const level = probability[order[from]!]!;
      let [hits, misses, to] = [0, 0, from];
      for (; to < order.length && probability[order[to]!] === level; to++) {
        const count = times ? times[order[to]!]! : 1;
        if (observed[order[to]!] === 1) hits += count;
        else misses += count;
      }
      truePositives += hits;
      if (hits > 0) auprc += (hits * truePositives) / (truePositives + falsePositives + misses);
      pairs += misses * (truePositives - hits / 2);
      falsePositives += misses;
      from = to;
    }
    return { auprc: auprc / truePositives, auroc: pairs / (truePositives * falsePositives) };
  };
}

function calibrationErrorOf(observed: Float64Array, probability: Float64Array): number {
  const n = observed.length;
  const order = [...observed.keys()].sort((a, b) => probability[a]! - probability[b]! || a - b);
  const bins = Math.min(CALIBRATION_BINS, n);
  let error = 0;
  for (let bin = 0; bin < bins; bin++) {
    const rows = order.slice(Math.floor((bin * n) / bins), Math.floor(((bin + 1) * n) / bins));
    error += Math.abs(rows.reduce((sum, i) => sum + probability[i]! - observed[i]!, 0)) / n;
  }
  return error;
}

function check(observed: Float64Array, probability: Float64Array): void {
  const n = observed.length;
  if (probability.length !== n) {
    throw new TitrateError('internal', { what: `${n} classes go with ${probability.length} probabilities` });
  }
  const bad = observed.findIndex(
    (y, i) => (y !== 0 && y !== 1) || !(probability[i]! >= 0 && probability[i]! <= 1),
  );
  if (bad >= 0) {
    throw new TitrateError('numerical', {
      what: `row ${bad}: class ${observed[bad]} and probability ${probability[bad]}, expected 0 or 1, and a number from 0 to 1`,
    });
  }
  const positives = observed.reduce((sum, y) => sum + y, 0);
  if (positives > 0 && positives < n) return;
  throw new TitrateError('labels-insufficient', {
    what: `${positives} of ${n} held-out molecules are of class 1; both classes are needed to judge by`,
    remedy: 'Give more labels of the rarer class',
  });
}
