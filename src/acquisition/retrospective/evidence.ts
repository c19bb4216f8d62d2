import { standardDeviation } from '../../foundation';
import {
  calibrate,
  crossFittedDeviation,
  emptyPrediction,
  regressionMetrics,
  totalDeviation,
  type LabelledSet,
  type Prediction,
} from '../../learning';
import type { Evidence } from '../policy';

export type HeldOutFigures = NonNullable<Evidence['heldOut']>;

/** Groups that calibrate one another; as many as a campaign's evaluation has folds. */
const GROUPS = 5;
/** Least share of the noise that a label's own posterior variance leaves: below it rounding decides. */
const LEAST_LEFT = 1e-9;

/**
 * What a Gaussian process would predict of each of its labels without that label, hyperparameters as they are. In closed form from
 * its predictions of the labelled rows: the posterior there, divided by the likelihood of the label (Rasmussen and Williams 2006,
 * section 5.4.2; Williams' cavity in section 3.6). Cost: none beside that prediction.
 * @param posterior of the labelled rows, in their order
 */
export function leaveOneOut(
  { targets, replicates }: Pick<LabelledSet, 'targets' | 'replicates'>,
  posterior: Prediction,
): Prediction {
  const out = emptyPrediction(targets.length);
  targets.forEach((target, i) => {
    const noise = posterior.aleatoric[i]! ** 2 / replicates[i]!;
    const left = Math.max(LEAST_LEFT, 1 - posterior.epistemic[i]! ** 2 / noise);
    out.mean[i] = target - (target - posterior.mean[i]!) / left;
    out.epistemic[i] = posterior.epistemic[i]! / Math.sqrt(left);
    out.aleatoric[i] = posterior.aleatoric[i]!;
  });
  return out;
}

/**
 * Calibration and evidence from predictions out of fold, as a campaign's evaluation gives them.
 * @param predicted of the labelled rows, each without its own label
 */
export function evidenceOf(
  { targets }: Pick<LabelledSet, 'targets'>,
  predicted: Prediction,
): { readonly calibrationScale: number; readonly heldOut: HeldOutFigures } {
  const total = totalDeviation(predicted);
  const { scale } = calibrate(targets, predicted.mean, total);
  const groups = Int32Array.from(targets, (_, i) => i % GROUPS);
  const scaled = crossFittedDeviation(groups, targets, predicted.mean, total);
  const { rmse, spearman, coverage90 } = regressionMetrics(targets, predicted.mean, scaled);
  return {
    calibrationScale: scale,
    heldOut: { rmse, spread: standardDeviation(targets), spearman, coverage90 },
  };
}
