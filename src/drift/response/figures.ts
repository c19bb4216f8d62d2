import type { DriftFigures, DriftMeasure } from '../../contracts';
import { comparableRows, isSkewed } from '../detectors/skew';
import type { DriftSample } from '../sample';

/** Rows, mean and standard deviation of the finite values; null without one. */
function measureOf(name: DriftMeasure['name'], values: ArrayLike<number>): DriftMeasure | null {
  let [rows, mean, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    rows++;
    const off = value - mean;
    mean += off / rows;
    squares += off * (value - mean);
  }
  return rows > 0 ? { name, rows, mean, deviation: rows > 1 ? Math.sqrt(squares / (rows - 1)) : 0 } : null;
}

/** Two sets of rows as one. */
export function pooledMeasure(a: DriftMeasure, b: DriftMeasure): DriftMeasure {
  const rows = a.rows + b.rows;
  if (a.rows === 0 || b.rows === 0) return a.rows === 0 ? b : a;
  const mean = (a.rows * a.mean + b.rows * b.mean) / rows;
  const squares = [a, b].reduce(
    (sum, { rows: n, mean: own, deviation }) => sum + (n - 1) * deviation ** 2 + n * (own - mean) ** 2,
    0,
  );
  return { name: a.name, rows, mean, deviation: Math.sqrt(squares / (rows - 1)) };
}

const errorsOf = (observed: Float64Array, predicted: Float64Array) =>
  observed.map((value, row) => Math.abs(value - predicted[row]!));

/** 1 for a row of which any served number is another one than that computed now; NaN for a row that has none. */
function skewedRows({ served, rows }: DriftSample): Float64Array {
  const out = new Float64Array(rows).fill(NaN);
  for (const column of served) {
    const both = comparableRows(column);
    const isOff = isSkewed(column, both);
    for (const row of both) if (isOff(row) || Number.isNaN(out[row]!)) out[row] = isOff(row) ? 1 : 0;
  }
  return out;
}

/**
 * What an action's effect is judged by, of the rows of a window.
 * @param replaced what the model that was there before the action says of the same rows, in their order, NaN where it says nothing; a model
 * that has not learnt from these rows. Rows that the present model has picked by their predicted values count against it: it picked
 * them where it was too hopeful
 */
export function figuresOf(sample: DriftSample, replaced: Float64Array | null = null): DriftFigures {
  const { observed, predicted, similarity, deviation } = sample;
  const errors = observed && predicted ? errorsOf(observed, predicted) : null;
  const measures = [
    errors && measureOf('absolute-error', errors),
    errors && measureOf('root-error', errors.map(Math.sqrt)),
    sample.served.length > 0 ? measureOf('skewed', skewedRows(sample)) : null,
    similarity && measureOf('similarity', similarity),
    deviation && measureOf('deviation', deviation),
  ].filter((each) => each !== null);
  const before = errors && replaced ? errorsOf(observed!, replaced) : null;
  const gain =
    before &&
    measureOf(
      'absolute-error',
      before.map((error, row) => error - errors![row]!),
    );
  // The same answers on every row: nothing has come of the action yet.
  const isSame = gain !== null && gain.mean === 0 && gain.deviation === 0;
  return { rows: sample.rows, measures, gain: isSame ? null : gain };
}

/** Figures of two windows as those of one. What only one of them has is its alone. */
export function pooledFigures(a: DriftFigures, b: DriftFigures): DriftFigures {
  const names = [...new Set([...a.measures, ...b.measures].map(({ name }) => name))];
  const both = (x: DriftMeasure | null | undefined, y: DriftMeasure | null | undefined) =>
    x && y ? pooledMeasure(x, y) : (x ?? y ?? null);
  const of = ({ measures }: DriftFigures, wanted: string) => measures.find(({ name }) => name === wanted);
  return {
    rows: a.rows + b.rows,
    measures: names.map((name) => both(of(a, name), of(b, name))!),
    gain: both(a.gain, b.gain),
  };
}
