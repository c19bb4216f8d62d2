import type { ModelCalibration } from '../../contracts';
import { emptyPrediction } from '../prediction';
import type { Prediction } from '../learning';
import { logit, sigmoid } from './platt';

/**
 * A model's prediction with its calibration applied. Regression: both parts of the standard deviation times the scale.
 * Classification: the probability through Platt's map, its epistemic deviation by the map's slope there (delta method, at most
 * the whole deviation of the label), and the aleatoric part what is left of p (1 - p).
 */
export function applyCalibration(calibration: ModelCalibration, prediction: Prediction): Prediction {
  if (!('task' in calibration)) {
    const { scale } = calibration;
    return {
      mean: prediction.mean,
      aleatoric: prediction.aleatoric.map((sd) => scale * sd),
      epistemic: prediction.epistemic.map((sd) => scale * sd),
    };
  }
  const { slope, intercept } = calibration;
  const out = emptyPrediction(prediction.mean.length);
  prediction.mean.forEach((p, row) => {
    const x = logit(p);
    const raw = sigmoid(x);
    const calibrated = sigmoid(slope * x + intercept);
    const variance = calibrated * (1 - calibrated);
    const steepness = (slope * variance) / (raw * (1 - raw));
    out.mean[row] = calibrated;
    out.epistemic[row] = Math.min(Math.sqrt(variance), steepness * prediction.epistemic[row]!);
    out.aleatoric[row] = Math.sqrt(Math.max(0, variance - out.epistemic[row]! ** 2));
  });
  return out;
}
