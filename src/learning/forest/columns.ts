import { featurizerName, TitrateError, type FeatureMatrix } from '../../contracts';
import { rowSpan } from '../../foundation';

/** Cells of the training matrix, one byte each: more columns than fit are left out, the rarest first. */
const MAX_CELLS = 1 << 29;
/** Of however many rows. */
const LEAST_COLUMNS = 256;

/**
 * The columns that trees split on, fixed by the training rows: `counted` ones (bits, the 0 and 1 of a dense matrix, counts by key), then
 * `real` ones (descriptors). Columns that are constant in training are left out, and counted ones that tell a single row apart.
 */
export interface ForestColumns {
  readonly layout: 'bits' | 'dense' | 'counts';
  /** Columns of the feature matrix. */
  readonly sourceColumns: number;
  /** featurizerName of the training features, for messages. */
  readonly featurizer: string;
  /** Bit, dense column, or key of each counted column, ascending. */
  readonly counted: Uint32Array;
  /** Source column of each real-valued one, ascending. */
  readonly real: Int32Array;
}

export const columnCount = ({ counted, real }: ForestColumns): number => counted.length + real.length;

/** Calls `each` for every cell of a row that is not 0, sources ascending: bits and counts, not real values. */
function eachCounted(
  features: FeatureMatrix,
  row: number,
  each: (source: number, value: number) => void,
): void {
  const { layout, data, columns } = features;
  const [from, to] = rowSpan(features, row);
  if (layout === 'counts') {
    for (let at = from + columns; at < to; at += 2) each(data[at]!, data[at + 1]!);
    return;
  }
  for (let at = from; at < to; at++) {
    let byte = data[at]!;
    while (byte) {
      each((at - from) * 8 + 31 - Math.clz32(byte & -byte), 1);
      byte &= byte - 1;
    }
  }
}

/** Calls `each` for every cell of the counted columns that is not 0, rows ascending. */
export function eachCountedCell(
  { counted, layout }: ForestColumns,
  features: FeatureMatrix,
  each: (row: number, column: number, value: number) => void,
): void {
  if (layout === 'dense') {
    const read = realReader(features);
    for (let row = 0; row < features.rows; row++) {
      counted.forEach((source, column) => {
        const value = read(row, source);
        if (value !== 0) each(row, column, value);
      });
    }
    return;
  }
  const columnOf = new Map<number, number>();
  counted.forEach((source, column) => columnOf.set(source, column));
  for (let row = 0; row < features.rows; row++) {
    eachCounted(features, row, (source, value) => {
      const column = columnOf.get(source);
      if (column !== undefined) each(row, column, value);
    });
  }
}

/** Reads a row's real-valued source columns: all of `dense`, what leads a row of `counts`. */
export function realReader(features: FeatureMatrix): (row: number, column: number) => number {
  const { layout, data, columns, offsets } = features;
  if (layout === 'dense') return (row, column) => data[row * columns + column]!;
  const values = new Float32Array(data.buffer, data.byteOffset, data.length);
  return (row, column) => values[offsets![row]! + column]!;
}

/**
 * @throws config-invalid for features that hold no vectors (graphs, bundles); numerical if a real value is not finite
 */
export function learnColumns(features: FeatureMatrix): ForestColumns {
  const { layout, rows, columns } = features;
  if (layout === 'graph' || layout === 'bundle') {
    throw new TitrateError('config-invalid', {
      what: `a random forest cannot read ${featurizerName(features.spec)} (${layout})`,
      where: 'random-forest training',
      remedy: 'Give it fingerprints, counts or descriptors; of a bundle, one of its parts',
    });
  }
  checkReal(features);
  const common = { layout, sourceColumns: columns, featurizer: featurizerName(features.spec) };
  const most = Math.max(LEAST_COLUMNS, Math.floor(MAX_CELLS / Math.max(1, rows)));
  if (layout === 'dense') {
    const { counted, real } = sortDense(features);
    return { ...common, counted, real: real.slice(0, Math.max(0, most - counted.length)) };
  }
  const real = layout === 'counts' ? varyingReal(features, columns) : new Int32Array(0);
  const counted = frequentColumns(features, Math.max(0, most - real.length));
  return { ...common, counted, real };
}

interface Seen {
  rows: number;
  readonly first: number;
  varies: boolean;
}

/** Counted columns with a value in two rows at least that is not the same in all: the most frequent, ascending. */
function frequentColumns(features: FeatureMatrix, most: number): Uint32Array {
  const seen = new Map<number, Seen>();
  for (let row = 0; row < features.rows; row++) {
    eachCounted(features, row, (source, value) => {
      const before = seen.get(source);
      if (!before) seen.set(source, { rows: 1, first: value, varies: false });
      else {
        before.rows++;
        before.varies ||= value !== before.first;
      }
    });
  }
  const usable = [...seen].filter(([, { rows, varies }]) => rows >= 2 && (varies || rows < features.rows));
  if (usable.length > most) usable.sort(([a, one], [b, other]) => other.rows - one.rows || a - b);
  return Uint32Array.from(usable.slice(0, most), ([source]) => source).sort();
}

function varyingReal(features: FeatureMatrix, columns: number): Int32Array {
  const read = realReader(features);
  const varies = (column: number) => {
    for (let row = 1; row < features.rows; row++) if (read(row, column) !== read(0, column)) return true;
    return false;
  };
  return Int32Array.from(Array.from({ length: columns }, (_, column) => column).filter(varies));
}

function sortDense(features: FeatureMatrix): Pick<ForestColumns, 'counted' | 'real'> {
  const read = realReader(features);
  const isFlag = (column: number) => {
    let ones = 0;
    for (let row = 0; row < features.rows; row++) {
      const value = read(row, column);
      if (value !== 0 && value !== 1) return null;
      ones += value;
    }
    return ones;
  };
  const counted: number[] = [];
  const real: number[] = [];
  for (const column of varyingReal(features, features.columns)) {
    const ones = isFlag(column);
    if (ones === null) real.push(column);
    else if (ones >= 2) counted.push(column);
  }
  return { counted: Uint32Array.from(counted), real: Int32Array.from(real) };
}

/** @throws numerical */
function checkReal(features: FeatureMatrix): void {
  if (features.layout === 'bits') return;
  const read = realReader(features);
  for (let row = 0; row < features.rows; row++) {
    for (let column = 0; column < features.columns; column++) {
      const value = read(row, column);
      if (Number.isFinite(value)) continue;
      throw new TitrateError('numerical', {
        what: `feature ${column} of ${featurizerName(features.spec)} is ${value}, expected a finite number`,
        where: features.moleculeIds[row],
        remedy: 'Leave this molecule out or use another featurizer',
      });
    }
  }
}

/**
 * Writes rows as trees read them at prediction: one float32 a column.
 * @throws config-invalid if the features are not of the kind that the columns were learnt from; numerical
 */
export function rowEncoder(
  columns: ForestColumns,
  features: FeatureMatrix,
): (row: number, into: Float32Array, at: number) => void {
  const { counted, real, layout } = columns;
  const name = featurizerName(features.spec);
  if (
    features.layout !== layout ||
    features.columns !== columns.sourceColumns ||
    name !== columns.featurizer
  ) {
    throw new TitrateError('config-invalid', {
      what: `the model was trained on ${columns.sourceColumns} columns of ${columns.featurizer} (${layout}), these are ${features.columns} of ${name} (${features.layout})`,
      where: 'random-forest prediction',
      remedy: 'Featurise with the featurizer named in the model card',
    });
  }
  checkReal(features);
  const width = columnCount(columns);
  const read = layout === 'bits' ? null : realReader(features);
  const columnOf = new Map<number, number>();
  if (layout !== 'dense') counted.forEach((source, column) => columnOf.set(source, column));
  return (row, into, at) => {
    if (layout === 'dense') for (let c = 0; c < counted.length; c++) into[at + c] = read!(row, counted[c]!);
    else {
      into.fill(0, at, at + width);
      eachCounted(features, row, (source, value) => {
        const column = columnOf.get(source);
        if (column !== undefined) into[at + column] = value;
      });
    }
    for (let c = 0; c < real.length; c++) into[at + counted.length + c] = read!(row, real[c]!);
  };
}
