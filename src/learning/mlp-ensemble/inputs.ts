import { TitrateError, type FeatureMatrix } from '../../contracts';

/** Feature rows without what only identifies them; what travels to a thread. */
export type FeatureRows = Omit<FeatureMatrix, 'spec'>;

/** Columns that are on in more rows than this go to the dense product: there it is the faster one (8 against 20 GFLOP/s). */
const DENSE_ABOVE = 0.4;

/** Standardised values are cut here, in standard deviations of the training set, so that no outlier of a descriptor rules. */
const CLIP = 10;

/**
 * How a feature row becomes a network's input. Learnt from the training rows, part of the model.
 * Columns that are constant there are dropped, and flags on in a single row: all they could do is tell it apart. Columns that hold only 0 and 1 are flags: the rare ones are listed by index
 * (`sparse`), the frequent ones enter as 0 or 1 (`dense`, centre 0, scale 1). Other columns are standardised (`dense`).
 * A flag of a dense matrix that later holds anything else counts as on from 0.5 up.
 */
export interface InputEncoding {
  readonly layout: FeatureMatrix['layout'];
  /** Columns of the feature matrix. */
  readonly columns: number;
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

/** @throws numerical when a dense feature is not a finite number */
export function learnEncoding(features: FeatureRows): InputEncoding {
  const { rows, columns, layout } = features;
  const sparse: number[] = [];
  const dense: { column: number; centre: number; scale: number }[] = [];
  const flag = (column: number, on: number) => {
    if (on < 2 || on === rows) return;
    if (on / rows > DENSE_ABOVE) dense.push({ column, centre: 0, scale: 1 });
    else sparse.push(column);
  };
  if (layout === 'bits') {
    const on = new Int32Array(columns);
    for (let row = 0; row < rows; row++) {
      eachBit(features.data as Uint8Array, columns / 8, row, (column) => on[column]!++);
    }
    on.forEach((count, column) => flag(column, count));
  } else {
    const data = features.data as Float32Array;
    assertFinite(features);
    for (let column = 0; column < columns; column++) {
      let ones = 0;
      let flags = true;
      let sum = 0;
      for (let at = column; at < data.length; at += columns) {
        const value = data[at]!;
        if (value === 1) ones++;
        else if (value !== 0) flags = false;
        sum += value;
      }
      if (flags) {
        flag(column, ones);
        continue;
      }
      const centre = sum / rows;
      let squares = 0;
      for (let at = column; at < data.length; at += columns) squares += (data[at]! - centre) ** 2;
      const scale = Math.sqrt(squares / rows);
      // A spread that float32 cannot tell from rounding is none.
      if (scale > 1e-6 * Math.abs(centre)) dense.push({ column, centre, scale });
    }
  }
  return {
    layout,
    columns,
    sparse: Int32Array.from(sparse),
    dense: Int32Array.from(dense, (entry) => entry.column),
    centre: Float32Array.from(dense, (entry) => entry.centre),
    scale: Float32Array.from(dense, (entry) => entry.scale),
  };
}

function assertFinite({ data, columns, moleculeIds, rows }: FeatureRows): void {
  for (let i = 0; i < rows * columns; i++) {
    if (Number.isFinite(data[i]!)) continue;
    throw new TitrateError('numerical', {
      what: `Feature ${i % columns} is ${data[i]}; a network needs finite numbers`,
      where: `molecule ${moleculeIds[Math.floor(i / columns)] ?? Math.floor(i / columns)}`,
      remedy: 'Leave the molecule out, or use a featurizer that is defined for it',
    });
  }
}

/**
 * Rows `from` (inclusive) to `to` (exclusive) of a matrix that has the encoding's layout and columns.
 * @throws numerical when a dense feature is not a finite number
 */
export function encodeRows(
  features: FeatureRows,
  encoding: InputEncoding,
  from = 0,
  to = features.rows,
): EncodedRows {
  const { columns, sparse, dense, centre, scale } = encoding;
  const rows = to - from;
  const width = dense.length;
  const sparsePosition = new Int32Array(columns).fill(-1);
  sparse.forEach((column, i) => (sparsePosition[column] = i));
  const values = new Float32Array(rows * width);
  const offsets = new Int32Array(rows + 1);
  let indices = new Int32Array(rows * 64 + columns + 1);
  let count = 0;
  if (encoding.layout === 'dense') assertFinite(sliceRows(features, from, to));
  const densePosition = new Int32Array(encoding.layout === 'bits' ? columns : 0).fill(-1);
  if (encoding.layout === 'bits') dense.forEach((column, i) => (densePosition[column] = i));
  for (let row = 0; row < rows; row++) {
    // Room for the fullest row there can be.
    if (indices.length - count <= sparse.length) indices = grown(indices, count + sparse.length + 1);
    if (encoding.layout === 'bits') {
      eachBit(features.data as Uint8Array, columns / 8, from + row, (column) => {
        if (sparsePosition[column]! >= 0) indices[count++] = sparsePosition[column]!;
        else if (densePosition[column]! >= 0) values[row * width + densePosition[column]!] = 1;
      });
    } else {
      const start = (from + row) * columns;
      for (let i = 0; i < sparse.length; i++)
        if (features.data[start + sparse[i]!]! >= 0.5) indices[count++] = i;
      for (let i = 0; i < width; i++) {
        const value = (features.data[start + dense[i]!]! - centre[i]!) / scale[i]!;
        values[row * width + i] = Math.max(-CLIP, Math.min(CLIP, value));
      }
    }
    indices[count++] = sparse.length;
    offsets[row + 1] = count;
  }
  return { rows, offsets, indices: indices.subarray(0, count), dense: values };
}

function sliceRows(features: FeatureRows, from: number, to: number): FeatureRows {
  const { columns, moleculeIds, data } = features;
  return {
    ...features,
    rows: to - from,
    moleculeIds: moleculeIds.slice(from, to),
    data: data.subarray(from * columns, to * columns),
  };
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
