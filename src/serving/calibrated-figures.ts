import type { LearningTask } from '../contracts';
import { Z90 } from '../foundation';
import type { Prediction } from '../learning/learning';

/**
 * What a model says of a molecule, calibrated. Regression: in the unit of the property, standardDeviation^2 = aleatoric^2 +
 * epistemic^2. Classification: `value` is the probability of 1, `standardDeviation` the standard deviation of that probability
 * (`epistemic`), and the interval is that of the probability, within 0..1.
 */
export interface Figures {
  readonly value: number;
  readonly standardDeviation: number;
  readonly aleatoric: number;
  readonly epistemic: number;
  /** Central 90 % interval, lower and upper end. */
  readonly interval90: readonly [number, number];
}

/** One row of a prediction to which the model's calibration was applied; null where the model gives no finite number. */
export function figuresAt(
  task: LearningTask | undefined,
  calibrated: Prediction,
  row: number,
): Figures | null {
  const value = calibrated.mean[row]!;
  const aleatoric = calibrated.aleatoric[row]!;
  const epistemic = calibrated.epistemic[row]!;
  const isProbability = task === 'classification';
  const standardDeviation = isProbability ? epistemic : Math.hypot(aleatoric, epistemic);
  const half = Z90 * standardDeviation;
  if (!Number.isFinite(value) || !Number.isFinite(half)) return null;
  const interval90: [number, number] = isProbability
    ? [Math.max(0, value - half), Math.min(1, value + half)]
    : [value - half, value + half];
  return { value, standardDeviation, aleatoric, epistemic, interval90 };
}
