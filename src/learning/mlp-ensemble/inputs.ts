import { TitrateError } from '../../contracts';
import type { Encoding, FeatureRows } from '../ensemble';
import { countFlagReader, learnCountFlags, NO_FLAGS, type CountFlags } from './count-flags';

/** Columns that are on in more rows than this go to the dense product: there it is the faster one (8 against 20 GFLOP/s). */
const DENSE_ABOVE = 0.4;

/** Standardised values are cut here, in standard deviations of the training set, so that no outlier of a descriptor rules. */
export const CLIP = 10;

/**
 * How a feature row becomes a network's input. Learnt from the training rows, part of the model.
 * Its source columns are those of the matrix; of counts, the descriptors and after them one flag for every key and threshold.
 * Columns that are constant there are dropped, and flags on in a single row: all they could do is tell it apart. Columns that
 * hold only 0 and 1 are flags: the rare ones are listed by index (`sparse`), the frequent ones enter as 0 or 1 (`dense`,
 * centre 0, scale 1). Other columns are standardised (`dense`).
 * A flag of a dense matrix that later holds anything else counts as on from 0.5 up.
 */
export interface InputEncoding extends Encoding {
  /** Of counts; else none. */
  readonly flags: CountFlags;
  /** Source columns, ascending. */
  readonly sparse: Int32Array;
  readonly dense: Int32Array;
  /** One value a dense column: input = (value - centre) / scale. */
  readonly centre: Float32Array;
  readonly scale: Float32Array;
}

/** Rows as the first layer takes them. Every row also has the input `encoding.sparse.length`, which is the bias. */
export interface EncodedRows {
  readonly rows: number;
  /** Where each row's entries in `indices` start; length rows + 1. */
  readonly offsets: Int32Array;
  /** Positions in `encoding.sparse` that are on, ascending within a row, the bias last. */
  readonly indices: Int32Array;
  /** rows x dense columns, row-major. */
  readonly dense: Float32Array;
}

/** Calls `on` for every set bit of a row of a packed matrix, columns ascending. */
function eachBit(data: Uint8Array, rowBytes: number, row: number, on: (column: number) => void): void {
  const start = row * rowBytes;
  for (let i = 0; i < rowBytes; i++) {
    let byte = data[start + i]!;
    while (byte) {
      on(i * 8 + 31 - Math.clz32(byte & -byte));
      byte &= byte - 1;
    }
  }
}

/** The real numbers of rows: where each row's `columns` values start in `data`. */
interface RealColumns {
  readonly data: Float32Array;
  readonly startOf: (row: number) => number;
}

function realColumns({ layout, data, columns, offsets }: FeatureRows): RealColumns {
  if (layout === 'dense') return { data: data as Float32Array, startOf: (row) => row * columns };
  return {
    data: new Float32Array(data.buffer, data.byteOffset, data.length),
    startOf: (row) => offsets![row]!,
  };
}

/** @throws numerical when a real feature is not a finite number */
export function learnEncoding(features: FeatureRows): InputEncoding {
  const { rows, columns, layout } = features;
  const sparse: number[] = [];
  const dense: { column: number; centre: number; scale: number }[] = [];
  const flag = (column: number, on: number) => {
    if (on < 2 || on === rows) return;
    if (on / rows > DENSE_ABOVE) dense.push({ column, centre: 0, scale: 1 });
    else sparse.push(column);
  };
  let flags = NO_FLAGS;
  if (layout === 'bits') {
    const on = new Int32Array(columns);
    for (let row = 0; row < rows; row++) {
      eachBit(features.data as Uint8Array, columns / 8, row, (column) => on[column]!++);
    }
    on.forEach((count, column) => flag(column, count));
  } else {
    assertFinite(features, 0, rows);
    const real = realColumns(features);
    for (let column = 0; column < columns; column++) {
      const { ones, moments } = describeColumn(real, rows, column);
      if (!moments) flag(column, ones);
      // A spread that float32 cannot tell from rounding is none.
      else if (moments.scale > 1e-6 * Math.abs(moments.centre)) dense.push({ column, ...moments });
    }
  }
  if (layout === 'counts') {
    const learnt = learnCountFlags(features);
    flags = learnt.flags;
    learnt.on.forEach((count, i) => flag(columns + i, count));
  }
  return {
    layout,
    columns,
    flags,
    sparse: Int32Array.from(sparse),
    dense: Int32Array.from(dense, (entry) => entry.column),
    centre: Float32Array.from(dense, (entry) => entry.centre),
    scale: Float32Array.from(dense, (entry) => entry.scale),
  };
}

/** How many ones a column has and, unless it holds only 0 and 1, its mean and standard deviation. */
function describeColumn(
  { data, startOf }: RealColumns,
  rows: number,
  column: number,
): { ones: number; moments?: { centre: number; scale: number } } {
  let ones = 0;
  let isFlag = true;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const value = data[startOf(row) + column]!;
    if (value === 1) ones++;
    else if (value !== 0) isFlag = false;
    sum += value;
  }
  if (isFlag) return { ones };
  const centre = sum / rows;
  let squares = 0;
  for (let row = 0; row < rows; row++) squares += (data[startOf(row) + column]! - centre) ** 2;
  return { ones, moments: { centre, scale: Math.sqrt(squares / rows) } };
}

function assertFinite(features: FeatureRows, from: number, to: number): void {
  const { data, startOf } = realColumns(features);
  for (let row = from; row < to; row++) {
    for (let column = 0; column < features.columns; column++) {
      const value = data[startOf(row) + column]!;
      if (Number.isFinite(value)) continue;
      throw new TitrateError('numerical', {
        what: `Feature ${column} is ${value}; a network needs finite numbers`,
        where: `molecule ${features.moleculeIds[row] ?? row}`,
        remedy: 'Leave the molecule out, or use a featurizer that is defined for it',
      });
    }
  }
}

/**
 * Rows `from` (inclusive) to `to` (exclusive) of a matrix that has the encoding's layout and columns.
 * @throws numerical when a real feature is not a finite number
 */
export function encodeRows(
  features: FeatureRows,
  encoding: InputEncoding,
  from = 0,
  to = features.rows,
): EncodedRows {
  const { columns, layout, flags, sparse, dense, centre, scale } = encoding;
  const rows = to - from;
  const width = dense.length;
  const sources = columns + flags.keys.length;
  const positions = (of: Int32Array) => {
    const position = new Int32Array(sources).fill(-1);
    of.forEach((column, i) => (position[column] = i));
    return position;
  };
  const sparsePosition = positions(sparse);
  const densePosition = positions(dense);
  const values = new Float32Array(rows * width);
  const offsets = new Int32Array(rows + 1);
  let indices = new Int32Array(rows * 64 + sparse.length + 1);
  let count = 0;
  let valuesFrom = 0;
  const on = (source: number) => {
    if (sparsePosition[source]! >= 0) indices[count++] = sparsePosition[source]!;
    else if (densePosition[source]! >= 0) values[valuesFrom + densePosition[source]!] = 1;
  };
  const isReal = layout !== 'bits';
  if (isReal) assertFinite(features, from, to);
  const real = isReal ? realColumns(features) : null;
  const eachCount = layout === 'counts' ? countFlagReader(features, flags) : null;
  for (let row = 0; row < rows; row++) {
    // Room for the fullest row there can be.
    if (indices.length - count <= sparse.length) indices = grown(indices, count + sparse.length + 1);
    valuesFrom = row * width;
    if (real) {
      const start = real.startOf(from + row);
      for (let i = 0; i < sparse.length && sparse[i]! < columns; i++)
        if (real.data[start + sparse[i]!]! >= 0.5) indices[count++] = i;
      for (let i = 0; i < width && dense[i]! < columns; i++) {
        const value = (real.data[start + dense[i]!]! - centre[i]!) / scale[i]!;
        values[valuesFrom + i] = Math.max(-CLIP, Math.min(CLIP, value));
      }
    } else {
      eachBit(features.data as Uint8Array, columns / 8, from + row, on);
    }
    const start = count;
    eachCount?.(from + row, (flag) => on(columns + flag));
    if (eachCount) indices.subarray(start, count).sort();
    indices[count++] = sparse.length;
    offsets[row + 1] = count;
  }
  return { rows, offsets, indices: indices.subarray(0, count), dense: values };
}

function grown(array: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(atLeast, array.length * 2));
  larger.set(array);
  return larger;
}

/** One batch: the entries of chosen rows by row (`columnOf`, `rowOf`) and the same entries by column, as sums take them. */
export interface Batch {
  readonly rows: number;
  /** Entries ordered by row: input position and batch row of each. */
  readonly columnOf: Int32Array;
  readonly rowOf: Int32Array;
  /** batch rows x dense columns. */
  readonly dense: Float32Array;
}

/** Picks rows out of encoded ones, in the order given. */
export function takeRows(encoded: EncodedRows, rows: ArrayLike<number>): Batch {
  let entries = 0;
  for (let i = 0; i < rows.length; i++)
    entries += encoded.offsets[rows[i]! + 1]! - encoded.offsets[rows[i]!]!;
  const columnOf = new Int32Array(entries);
  const rowOf = new Int32Array(entries);
  const width = encoded.rows ? encoded.dense.length / encoded.rows : 0;
  const dense = new Float32Array(rows.length * width);
  let at = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const part = encoded.indices.subarray(encoded.offsets[row]!, encoded.offsets[row + 1]!);
    columnOf.set(part, at);
    rowOf.fill(i, at, (at += part.length));
    dense.set(encoded.dense.subarray(row * width, (row + 1) * width), i * width);
  }
  return { rows: rows.length, columnOf, rowOf, dense };
}

/** The entries of a batch ordered by column (counting sort; rows stay ascending within a column). */
export function byColumn(
  { columnOf, rowOf }: Batch,
  columns: number,
): { columnOf: Int32Array; rowOf: Int32Array } {
  const next = new Int32Array(columns + 1);
  for (const column of columnOf) next[column + 1]!++;
  for (let column = 0; column < columns; column++) next[column + 1]! += next[column]!;
  const sorted = { columnOf: new Int32Array(columnOf.length), rowOf: new Int32Array(rowOf.length) };
  for (let i = 0; i < columnOf.length; i++) {
    const to = next[columnOf[i]!]!++;
    sorted.columnOf[to] = columnOf[i]!;
    sorted.rowOf[to] = rowOf[i]!;
  }
  return sorted;
}

/** Mean squared length of an input row, without the bias. */
export function inputLength({ rows, indices, dense }: EncodedRows): number {
  let squares = 0;
  for (const value of dense) squares += value * value;
  return (indices.length - rows + squares) / rows;
}
