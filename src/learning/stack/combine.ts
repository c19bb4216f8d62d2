import { emptyPrediction } from '../prediction';
import type { Prediction } from '../learning';

/**
 * The mixture of several models' predictions of the same rows: mean and aleatoric variance are the weighted means; the epistemic
 * variance is the weighted mean of theirs plus the variance of their means, which is how much they disagree.
 * @param weightsOf weights of row i, one a model, summing to 1.
 */
export function combinePredictions(
  predictions: readonly Prediction[],
  weightsOf: (row: number) => readonly number[],
): Prediction {
  const out = emptyPrediction(predictions[0]!.mean.length);
  for (let row = 0; row < out.mean.length; row++) {
    const weights = weightsOf(row);
    const mixed = (value: (prediction: Prediction) => number) =>
      predictions.reduce((sum, prediction, m) => sum + weights[m]! * value(prediction), 0);
    const mean = mixed((prediction) => prediction.mean[row]!);
    out.mean[row] = mean;
    out.aleatoric[row] = Math.sqrt(mixed(({ aleatoric }) => aleatoric[row]! ** 2));
    out.epistemic[row] = Math.sqrt(
      mixed((prediction) => prediction.epistemic[row]! ** 2 + (prediction.mean[row]! - mean) ** 2),
    );
  }
  return out;
}
