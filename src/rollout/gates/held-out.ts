import type { GateVerdict, HeldOutPrediction, ModelCard } from '../../contracts';
import { deriveSeed, Z90 } from '../../foundation';
import { bootstrapIntervals } from '../../learning/metrics/bootstrap';
import { figure, unitOf } from './words';

/** Held-out predictions of two models for the same molecules, each made by a model that had not seen the molecule. */
export interface PairedHeldOut {
  /** As the candidate knows it, who knows more. */
  readonly observed: Float64Array;
  /** As the live model was judged by it. */
  readonly observedBefore: Float64Array;
  readonly candidate: Float64Array;
  readonly live: Float64Array;
}

/** Fewer shared molecules say nothing that the two cards do not. */
const LEAST_PAIRS = 20;

/** The molecules that both held out, in the candidate's order. */
export function pairHeldOut(
  candidate: readonly HeldOutPrediction[],
  live: readonly HeldOutPrediction[],
): PairedHeldOut {
  const known = new Map(live.map((row) => [row.moleculeId, row]));
  const shared = candidate.filter(({ moleculeId }) => known.has(moleculeId));
  return {
    observed: Float64Array.from(shared, (row) => row.observed),
    observedBefore: Float64Array.from(shared, (row) => known.get(row.moleculeId)!.observed),
    candidate: Float64Array.from(shared, (row) => row.predicted),
    live: Float64Array.from(shared, (row) => known.get(row.moleculeId)!.predicted),
  };
}

/**
 * Whether both were judged by the same measurements. A candidate that was trained on labels of other molecules (a column that was
 * sorted by itself, another assay's file) is judged by those labels too, and beside them the live model looks the worse one.
 * @returns null when too few molecules are shared
 */
export function labelsGate(card: ModelCard, pairs: PairedHeldOut): GateVerdict | null {
  const n = pairs.observed.length;
  if (n < LEAST_PAIRS) return null;
  const apart = rootMeanSquare(pairs.observed, pairs.observedBefore);
  const allowed = rootMeanSquare(pairs.live, pairs.observedBefore);
  const passed = apart <= allowed;
  const unit = unitOf(card);
  const meaning = passed ? '' : ': one of the two sets of labels is wrong';
  return {
    gate: 'labels',
    passed,
    evidence:
      `The measured values of the ${n} molecules that both held out are ${figure(apart)}${unit} (root mean square) from those that the ` +
      `live model was judged by; its own error, ${figure(allowed)}${unit}, is allowed${meaning}.`,
  };
}

function rootMeanSquare(a: Float64Array, b: Float64Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);
}

/**
 * Held-out quality on the molecules that both models held out. Refused only when the candidate is worse beyond the ratio and
 * beyond noise: the 95 % bootstrap interval of RMSE(candidate) - RMSE(live), resampled by molecule, lies above 0.
 * @returns null when too few molecules are shared
 */
export function pairedQualityGate(
  card: ModelCard,
  pairs: PairedHeldOut,
  maxRatio: number,
): GateVerdict | null {
  const n = pairs.observed.length;
  if (n < LEAST_PAIRS) return null;
  const squares = (predicted: Float64Array) => predicted.map((value, i) => (value - pairs.observed[i]!) ** 2);
  const [own, theirs] = [squares(pairs.candidate), squares(pairs.live)];
  const rmse = (errors: Float64Array, times?: Uint16Array) =>
    Math.sqrt(errors.reduce((sum, error, i) => sum + error * (times ? times[i]! : 1), 0) / n);
  const [interval] = bootstrapIntervals(
    [Array.from({ length: n }, (_, row) => row)],
    (times) => [rmse(own, times) - rmse(theirs, times)],
    deriveSeed(card.seed, 'quality-gate'),
  );
  const [lower, upper] = interval ?? [NaN, NaN];
  const [mine, live] = [rmse(own), rmse(theirs)];
  const unit = unitOf(card);
  // What is no number is not good enough.
  const beyondRatio = !(mine <= maxRatio * live);
  const beyondNoise = !(lower <= 0);
  const figures =
    `On the ${n} molecules that both held out, RMSE is ${figure(mine)}${unit} against the live model's ${figure(live)}${unit}; ` +
    `the difference is ${figure(mine - live)} (95 % interval ${figure(lower)} to ${figure(upper)})`;
  const meaning =
    beyondRatio && beyondNoise
      ? `worse than ${maxRatio} times, and beyond noise`
      : beyondRatio
        ? `worse than ${maxRatio} times, and within noise`
        : `within ${maxRatio} times`;
  return {
    gate: 'quality',
    passed: !(beyondRatio && beyondNoise),
    evidence: `${figures}: ${meaning}.`,
  };
}

/** A calibrated model's predicted deviation is the size of its errors; beyond this factor its intervals mislead. */
const MAX_MISCALIBRATION = 3;
/** A claim of the card that differs from its own predictions by more is no rounding. */
const COVERAGE_TOLERANCE = 0.005;

/**
 * Cross-fitted deviations carry scales that differ a little from the card's, and coverages of few molecules are coarse: so far may two
 * be apart. About twice the largest difference that was seen on 212 honest models of 20 to 600 molecules: 0.08, at 60 molecules.
 */
const scaleTolerance = (n: number) => 0.05 + 0.8 / Math.sqrt(n);

/**
 * Calibration by the held-out predictions themselves: the root mean squared predicted deviation beside the RMSE, the coverage that the
 * card claims beside the one that its intervals have, and the scale that predictions are served with beside the one that the held-out
 * deviations were made with. Intervals that are far too wide cover everything and say nothing.
 */
export function calibrationGate(card: ModelCard, heldOut: readonly HeldOutPrediction[]): GateVerdict {
  const n = heldOut.length;
  const mean = (of: (row: HeldOutPrediction) => number) => heldOut.reduce((sum, row) => sum + of(row), 0) / n;
  const rmse = Math.sqrt(mean((row) => (row.predicted - row.observed) ** 2));
  const deviation = Math.sqrt(mean((row) => row.standardDeviation ** 2));
  const coverage = mean(({ observed, interval90: [low, high] }) =>
    observed >= low && observed <= high ? 1 : 0,
  );
  const ratio = deviation / rmse;
  const sized = ratio >= 1 / MAX_MISCALIBRATION && ratio <= MAX_MISCALIBRATION;
  const claimed = Math.abs(coverage - card.metrics.coverage90) <= COVERAGE_TOLERANCE;
  const { scale, coverage90Before } = card.calibration;
  const unscaled = mean(({ observed, predicted, standardDeviation }) =>
    Math.abs(observed - predicted) <= (Z90 * standardDeviation) / scale ? 1 : 0,
  );
  // Of fewer molecules it is not known. Held out by time there may be one fold alone, whose deviations are as the model gave them.
  const judged = n >= LEAST_PAIRS && card.split !== 'time';
  const served = !judged || Math.abs(unscaled - coverage90Before) <= scaleTolerance(n);
  const unit = unitOf(card);
  const says =
    `Predicted deviations of ${figure(deviation)}${unit} stand beside held-out errors of ${figure(rmse)}${unit} (${figure(ratio)} times; ` +
    `${figure(1 / MAX_MISCALIBRATION)} to ${MAX_MISCALIBRATION} is allowed) on ${n} molecules`;
  const claim = claimed
    ? ''
    : `; the card claims a coverage of ${figure(card.metrics.coverage90)} and its predictions have ${figure(coverage)}`;
  const scaled = served
    ? ''
    : `; the scale of ${figure(scale)} that it is served with is not theirs: without it they cover ${figure(unscaled)}, and the card says ${figure(coverage90Before)}`;
  return {
    gate: 'calibration',
    passed: sized && claimed && served,
    evidence: `${says}${claim}${scaled}.`,
  };
}
