import type { LearningTask, ModelCalibration, ModelMetrics } from '../../contracts';
import {
  calibrate,
  calibrateProbability,
  crossFittedDeviation,
  crossFittedProbability,
} from '../calibration';
import type { Prediction, TargetColumn } from '../learning';
import {
  classificationMetrics,
  classificationMetricsWithIntervals,
  regressionMetrics,
  regressionMetricsWithIntervals,
} from '../metrics';
import { totalDeviation } from '../prediction';
import { judgedRows } from '../split';

export interface Judgement {
  readonly metrics: ModelMetrics;
  readonly calibration: ModelCalibration;
  /** Rows that were judged: measurements, no bounds. */
  readonly rows: readonly number[];
  /** Observed - predicted, one a judged row. */
  readonly errors: Float64Array;
}

/** Calibrates out-of-fold predictions, and judges them calibrated fold by fold by the other folds: no row judges its own scale. */
export function judge({
  labels,
  folds,
  predictions,
  seed,
}: {
  labels: TargetColumn & { readonly task?: LearningTask };
  folds: Int32Array;
  predictions: Prediction;
  seed: number;
}): Judgement {
  const rows = judgedRows(labels, folds);
  const take = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]!);
  const observed = take(labels.targets);
  const mean = take(predictions.mean);
  const own = Int32Array.from(rows, (row) => folds[row]!);
  if (labels.task === 'classification') {
    const honest = crossFittedProbability(own, observed, mean);
    return {
      metrics: classificationMetricsWithIntervals(observed, honest, seed),
      calibration: calibrateProbability(observed, mean),
      rows,
      errors: observed.map((y, i) => y - honest[i]!),
    };
  }
  const deviation = take(totalDeviation(predictions));
  const honest = crossFittedDeviation(own, observed, mean, deviation);
  return {
    metrics: regressionMetricsWithIntervals(observed, mean, honest, seed),
    calibration: calibrate(observed, mean, deviation),
    rows,
    errors: observed.map((y, i) => y - mean[i]!),
  };
}

/**
 * Figures of out-of-fold predictions, for comparing trials. Probabilities are calibrated by the other folds first: a family is not to
 * lose by a bias that calibration takes away.
 */
export function trialMetrics(
  labels: TargetColumn & { readonly task?: LearningTask },
  predictions: Prediction,
  folds: Int32Array,
): ModelMetrics {
  const rows = judgedRows(labels, folds);
  const take = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]!);
  const [observed, mean] = [take(labels.targets), take(predictions.mean)];
  return labels.task === 'classification'
    ? classificationMetrics(
        observed,
        crossFittedProbability(
          Int32Array.from(rows, (row) => folds[row]!),
          observed,
          mean,
        ),
      )
    : regressionMetrics(observed, mean, take(totalDeviation(predictions)));
}
