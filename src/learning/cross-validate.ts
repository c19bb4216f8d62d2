import { TitrateError, type ModelSettings, type RegressionMetrics } from '../contracts';
import { deriveSeed } from '../foundation';
import { stratifiedFolds } from './folds';
import { checkLabelled, measuredRows, selectFeatureRows, selectLabelledRows } from './labelled-set';
import type { LabelledSet, Learning, Prediction } from './learning';
import { regressionMetrics } from './metrics';

/** Least number of measured labels: with fewer, no fold can be held out and a model still be trained. */
export const CV_MIN_LABELS = 6;

export interface CrossValidation {
  /** Out of fold, in row order, for censored rows too. Standard deviations as the models give them (not calibrated). */
  readonly predictions: Prediction;
  /** Over the measured rows only. */
  readonly metrics: RegressionMetrics;
  readonly backend: string;
  /** Seconds of computing, summed over folds and threads. */
  readonly computeSeconds: number;
  /** Fold of each row. */
  readonly folds: Int32Array;
}

export interface CrossValidationRequest {
  readonly settings: ModelSettings;
  readonly labelled: LabelledSet;
  /** Wanted number; lowered so that every fold holds out at least two measured rows. */
  readonly folds: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onFold?: (done: number, of: number) => void;
}

/**
 * K-fold cross-validation, folds stratified by target. Each row is predicted by a model that saw neither its features nor
 * its target. One fold at a time, so memory is that of one model; the same request gives the same bits.
 * @throws labels-insufficient below CV_MIN_LABELS measured rows (or the family's own minimum), and what `Learning.fit` throws.
 */
export async function crossValidate(
  learning: Pick<Learning, 'fit'>,
  { settings, labelled, folds: wanted, seed, signal, onFold }: CrossValidationRequest,
): Promise<CrossValidation> {
  checkLabelled(labelled);
  const measured = measuredRows(labelled);
  if (measured.length < CV_MIN_LABELS) {
    throw new TitrateError('labels-insufficient', {
      what: `a held-out evaluation needs at least ${CV_MIN_LABELS} measured values and has ${measured.length}`,
      remedy: 'Measure more molecules first; bounds (< and >) do not count',
    });
  }
  const count = Math.min(wanted, Math.floor(measured.length / 2));
  const folds = stratifiedFolds(labelled.targets, labelled.qualifiers, count, deriveSeed(seed, 'folds'));
  const rows = labelled.targets.length;
  const predictions = {
    mean: new Float64Array(rows),
    aleatoric: new Float64Array(rows),
    epistemic: new Float64Array(rows),
  };
  let backend = '';
  let computeSeconds = 0;
  for (let fold = 0; fold < count; fold++) {
    const inside: number[] = [];
    const outside: number[] = [];
    folds.forEach((f, row) => (f === fold ? outside : inside).push(row));
    const model = await learning.fit({
      settings,
      labelled: selectLabelledRows(labelled, inside),
      seed: deriveSeed(seed, 'fold', fold),
      signal,
    });
    try {
      const predicted = await model.predict(selectFeatureRows(labelled.features, outside), signal);
      outside.forEach((row, i) => {
        predictions.mean[row] = predicted.mean[i]!;
        predictions.aleatoric[row] = predicted.aleatoric[i]!;
        predictions.epistemic[row] = predicted.epistemic[i]!;
      });
      backend = model.backend;
      computeSeconds += model.computeSeconds;
    } finally {
      model.dispose();
    }
    onFold?.(fold + 1, count);
  }
  const total = totalDeviation(predictions);
  const take = (from: Float64Array) => Float64Array.from(measured, (row) => from[row]!);
  const metrics = regressionMetrics(take(labelled.targets), take(predictions.mean), take(total));
  return { predictions, metrics, backend, computeSeconds, folds };
}

/** Total standard deviation of a measurement at each row: aleatoric and epistemic together. */
export function totalDeviation({
  aleatoric,
  epistemic,
}: Pick<Prediction, 'aleatoric' | 'epistemic'>): Float64Array {
  return aleatoric.map((sd, i) => Math.hypot(sd, epistemic[i]!));
}
