import { TitrateError, type ModelSettings, type RegressionMetrics } from '../contracts';
import { deriveSeed, selectFeatureRows } from '../foundation';
import { stratifiedFolds } from './folds';
import { checkLabelled, measuredRows, selectLabelledRows } from './labelled-set';
import type { LabelledSet, Learning, Prediction, TargetColumn } from './learning';
import { regressionMetrics } from './metrics';
import { emptyPrediction, totalDeviation } from './prediction';

/** Least number of measured labels: with fewer, no fold can be held out and a model still be trained. */
export const CV_MIN_LABELS = 6;

/** Predictions of rows by models that saw neither their features nor their targets. */
export interface OutOfFold {
  /** In row order, for censored rows too; NaN for rows that are never held out. Standard deviations and probabilities as the models give them (not calibrated). */
  readonly predictions: Prediction;
  readonly backend: string;
  /** Seconds of computing, summed over folds and threads. */
  readonly computeSeconds: number;
  /** Fold of each row. */
  readonly folds: Int32Array;
}

export interface CrossValidation extends OutOfFold {
  /** Over the rows that were measured and held out. */
  readonly metrics: RegressionMetrics;
}

export interface CrossValidationRequest {
  readonly settings: ModelSettings;
  readonly labelled: LabelledSet;
  /** Wanted number; lowered so that every fold holds out at least two measured rows. */
  readonly folds: number;
  /** Fold of each row, 0 .. some number, where they are not to be drawn at random (scaffolds, times); -1: never held out. */
  readonly assignment?: Int32Array;
  /** Whether a fold's model is trained on the folds before it alone (and on -1). Default: on all others. */
  readonly forward?: boolean;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onFold?: (done: number, of: number) => void;
}

/**
 * K-fold cross-validation of a regression, folds stratified by target unless they are given.
 * @throws as `outOfFold`
 */
export async function crossValidate(
  learning: Pick<Learning, 'fit'>,
  request: CrossValidationRequest,
): Promise<CrossValidation> {
  const result = await outOfFold(learning, request);
  const judged = measuredRows(request.labelled).filter((row) => result.folds[row]! >= 0);
  const take = (from: Float64Array) => Float64Array.from(judged, (row) => from[row]!);
  const { predictions } = result;
  const total = totalDeviation(predictions);
  const metrics = regressionMetrics(take(request.labelled.targets), take(predictions.mean), take(total));
  return { ...result, metrics };
}

/**
 * Predicts each row by a model of the other folds. One fold at a time, so memory is that of one model; the same request gives
 * the same bits.
 * @throws labels-insufficient below CV_MIN_LABELS measured rows (or the family's own minimum), and what `Learning.fit` throws.
 */
export async function outOfFold(
  learning: Pick<Learning, 'fit'>,
  request: CrossValidationRequest,
): Promise<OutOfFold> {
  const { settings, labelled, forward = false, seed, signal, onFold } = request;
  checkLabelled(labelled);
  const folds = foldsOf(request);
  const count = folds.reduce((most: number, fold) => Math.max(most, fold + 1), 0);
  const predictions = emptyPrediction(labelled.features.rows);
  folds.forEach((fold, row) => {
    if (fold < 0)
      for (const part of ['mean', 'aleatoric', 'epistemic'] as const) predictions[part][row] = NaN;
  });
  let backend = '';
  let computeSeconds = 0;
  for (let fold = 0; fold < count; fold++) {
    const inside: number[] = [];
    const outside: number[] = [];
    folds.forEach((f, row) => {
      if (f === fold) outside.push(row);
      else if (!forward || f < fold) inside.push(row);
    });
    const model = await learning.fit({
      settings,
      labelled: selectLabelledRows(labelled, inside),
      seed: deriveSeed(seed, 'fold', fold),
      signal,
    });
    try {
      const predicted = await model.predict(selectFeatureRows(labelled.features, outside), signal);
      for (const part of ['mean', 'aleatoric', 'epistemic'] as const)
        outside.forEach((row, i) => (predictions[part][row] = predicted[part][i]!));
      backend = model.backend;
      computeSeconds += model.computeSeconds;
    } finally {
      model.dispose();
    }
    onFold?.(fold + 1, count);
  }
  return { predictions, backend, computeSeconds, folds };
}

/**
 * The folds a request asks for: its own, or ones stratified by target.
 * @throws labels-insufficient below CV_MIN_LABELS measured rows
 */
export function foldsOf({
  labelled,
  folds: wanted,
  assignment,
  seed,
}: Pick<CrossValidationRequest, 'folds' | 'assignment' | 'seed'> & {
  readonly labelled: TargetColumn;
}): Int32Array {
  const measured = measuredRows(labelled);
  if (measured.length < CV_MIN_LABELS) {
    throw new TitrateError('labels-insufficient', {
      what: `a held-out evaluation needs at least ${CV_MIN_LABELS} measured values and has ${measured.length}`,
      remedy: 'Measure more molecules first; bounds (< and >) do not count',
    });
  }
  if (assignment) return assignment;
  const count = Math.min(wanted, Math.floor(measured.length / 2));
  return stratifiedFolds(labelled.targets, labelled.qualifiers, count, deriveSeed(seed, 'folds'));
}
