import { calibrateProbability, logit, sigmoid } from './platt';
import { calibrate } from './scale';

/**
 * Standard deviations scaled fold by fold, each by the calibration of the other folds: what coverage and likelihood are judged
 * by, since a scale fitted to the residuals that it is judged on always looks well calibrated.
 * @param folds fold of each row. @param observed, mean, deviation out of fold, length n, as for `calibrate`.
 * @returns length n. With a single fold there are no others, and the deviations come back as they are.
 */
export function crossFittedDeviation(
  folds: Int32Array,
  observed: Float64Array,
  mean: Float64Array,
  deviation: Float64Array,
): Float64Array {
  const scaled = deviation.slice();
  for (const fold of new Set(folds)) {
    const others = [...folds.keys()].filter((row) => folds[row] !== fold);
    const take = (from: Float64Array) => Float64Array.from(others, (row) => from[row]!);
    const { scale } = calibrate(take(observed), take(mean), take(deviation));
    folds.forEach((f, row) => {
      if (f === fold) scaled[row] = deviation[row]! * scale;
    });
  }
  return scaled;
}

/** Probabilities calibrated fold by fold, each by the calibration of the other folds. @param folds as above. */
export function crossFittedProbability(
  folds: Int32Array,
  observed: Float64Array,
  probability: Float64Array,
): Float64Array {
  const calibrated = probability.slice();
  const distinct = [...new Set(folds)];
  if (distinct.length < 2) return calibrated;
  for (const fold of distinct) {
    const others = [...folds.keys()].filter((row) => folds[row] !== fold);
    const take = (from: Float64Array) => Float64Array.from(others, (row) => from[row]!);
    const { slope, intercept } = calibrateProbability(take(observed), take(probability));
    folds.forEach((f, row) => {
      if (f === fold) calibrated[row] = sigmoid(slope * logit(probability[row]!) + intercept);
    });
  }
  return calibrated;
}
