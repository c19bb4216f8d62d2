import { selectFeatureRows } from '../../foundation';
import { classificationMetrics, regressionMetrics, totalDeviation } from '../../learning';
import type { Surrogate } from '../acquisition';
import type { ReplayRun, ReplayTable } from './protocol';

type Column = 'rmse' | 'coverage90' | 'auroc' | 'auprc' | 'logLoss';
export type Judgement = Partial<Record<Column, number | null>>;

const COLUMNS: Readonly<Record<ReplayTable['kind'], readonly Column[]>> = {
  property: ['rmse', 'coverage90'],
  screen: ['auroc', 'auprc', 'logLoss'],
};

/**
 * How the model does on the held-out rows. Of a screen the predicted value is taken for the probability, kept 1 / (labels + 2) from 0
 * and 1 (Laplace's rule of succession: so many labels cannot support more certainty).
 * @param surrogate null while there is no model: every figure is null
 */
export async function judge(
  { features, values, kind }: ReplayTable,
  rows: readonly number[],
  surrogate: Surrogate | null,
  labels: number,
  signal?: AbortSignal,
): Promise<Judgement> {
  if (!surrogate) return Object.fromEntries(COLUMNS[kind].map((column) => [column, null]));
  const predicted = await surrogate.model.predict(selectFeatureRows(features, rows), signal);
  const observed = Float64Array.from(rows, (row) => values[row]!);
  if (kind === 'property') {
    const deviation = totalDeviation(predicted).map((sd) => surrogate.calibrationScale * sd);
    const { rmse, coverage90 } = regressionMetrics(observed, predicted.mean, deviation);
    return { rmse, coverage90 };
  }
  const margin = 1 / (labels + 2);
  const probability = predicted.mean.map((value) => Math.min(1 - margin, Math.max(margin, value)));
  const { logLoss } = classificationMetrics(observed, probability);
  // Ranked by the value as it is: cutting it off makes ties.
  const { auroc, auprc } = classificationMetrics(observed, ranks(predicted.mean));
  return { auroc, auprc, logLoss };
}

/** The columns of a run. */
export function columnsOf(judged: readonly Judgement[]): Pick<ReplayRun, Column> {
  const columns = Object.keys(judged[0] ?? {}) as Column[];
  return Object.fromEntries(columns.map((column) => [column, judged.map((each) => each[column] ?? null)]));
}

/** Values as rising numbers from 0 to 1, equal ones alike. */
function ranks(values: Float64Array): Float64Array {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const rank = new Map(distinct.map((value, i) => [value, i / Math.max(1, distinct.length - 1)]));
  return values.map((value) => rank.get(value)!);
}
