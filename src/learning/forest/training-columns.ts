import type { FeatureMatrix } from '../../contracts';
import { columnCount, eachCountedCell, realReader, type ForestColumns } from './columns';

/** Values of a column are told apart up to this many; more are put together by frequency (histograms: Ke et al. 2017, LightGBM). */
export const MAX_BINS = 256;

/** Cells of a sparse matrix that are not in bin 0, by row or by column: those of line i are [starts[i], starts[i + 1]). */
export interface SparseBins {
  readonly starts: Int32Array;
  /** Column of each cell where lines are rows, row where they are columns; ascending within a line. */
  readonly places: Int32Array;
  readonly bins: Uint8Array;
}

/** The training matrix, values as bins; on shared memory, so that every thread reads the same. */
export interface TrainingColumns {
  readonly rows: number;
  readonly columns: number;
  /** The first so many are counted ones; the rest is real-valued. */
  readonly counted: number;
  /** Bin of each row, columns x rows, a column's rows together. */
  readonly bins: Uint8Array;
  /** Counted columns once more, without what is in bin 0. */
  readonly byColumn: SparseBins;
  readonly byRow: SparseBins;
  /** Bins of column c: entries [edges[c], edges[c + 1]) of the least and the greatest value in each. */
  readonly edges: Int32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
}

const shared = (bytes: number) => new SharedArrayBuffer(bytes);

/** Bins of the training rows. Where any row has a 0 in a counted column, its bin 0 holds 0 and nothing else. */
export function binTraining(columns: ForestColumns, features: FeatureMatrix): TrainingColumns {
  const { rows } = features;
  const width = columnCount(columns);
  const counted = columns.counted.length;
  const bins = new Uint8Array(shared(width * rows));
  const edges = new Int32Array(shared((width + 1) * 4));
  const low: number[] = [];
  const high: number[] = [];

  const cells = cellsByColumn(columns, features);
  for (let c = 0; c < counted; c++) {
    const [from, to] = [cells.starts[c]!, cells.starts[c + 1]!];
    const first = low.length;
    const zeros = to - from < rows;
    if (zeros) {
      low.push(0);
      high.push(0);
    }
    binEdges(cells.values.slice(from, to).sort(), zeros ? MAX_BINS - 1 : MAX_BINS, low, high);
    edges[c + 1] = low.length;
    for (let at = from; at < to; at++)
      bins[c * rows + cells.places[at]!] = binOf(cells.values[at]!, high, first, low.length);
  }
  const read = columns.real.length ? realReader(features) : null;
  const column = new Float32Array(rows);
  for (let c = counted; c < width; c++) {
    for (let row = 0; row < rows; row++) column[row] = read!(row, columns.real[c - counted]!);
    const first = low.length;
    binEdges(column.slice().sort(), MAX_BINS, low, high);
    edges[c + 1] = low.length;
    for (let row = 0; row < rows; row++) bins[c * rows + row] = binOf(column[row]!, high, first, low.length);
  }
  const byColumn = sparseBins(bins, rows, cells);
  return {
    ...{ rows, columns: width, counted, bins, edges, byColumn },
    byRow: transpose(byColumn, rows),
    low: sharedFloats(low),
    high: sharedFloats(high),
  };
}

interface Cells {
  readonly starts: Int32Array;
  readonly places: Int32Array;
  readonly values: Float32Array;
}

/** Non-zero cells of the counted columns, rows ascending within a column. */
function cellsByColumn(columns: ForestColumns, features: FeatureMatrix): Cells {
  const starts = new Int32Array(columns.counted.length + 1);
  eachCountedCell(columns, features, (_, column) => starts[column + 1]!++);
  for (let c = 1; c < starts.length; c++) starts[c]! += starts[c - 1]!;
  const next = starts.slice();
  const places = new Int32Array(starts.at(-1)!);
  const values = new Float32Array(places.length);
  eachCountedCell(columns, features, (row, column, value) => {
    const at = next[column]!++;
    places[at] = row;
    values[at] = value;
  });
  return { starts, places, values };
}

function sharedFloats(values: readonly number[]): Float32Array {
  const array = new Float32Array(shared(values.length * 4));
  array.set(values);
  return array;
}

/** Appends the bins of ascending values: one a value, or as many runs of values as `most` allows. */
function binEdges(sorted: Float32Array, most: number, low: number[], high: number[]): void {
  let distinct = 1;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] !== sorted[i - 1]) distinct++;
  const least = distinct <= most ? 1 : Math.ceil(sorted.length / (most - 1));
  for (let from = 0; from < sorted.length;) {
    let to = Math.min(sorted.length, from + least);
    while (to < sorted.length && sorted[to] === sorted[to - 1]) to++;
    low.push(sorted[from]!);
    high.push(sorted[to - 1]!);
    from = to;
  }
}

function binOf(value: number, high: readonly number[], first: number, end: number): number {
  let below = first;
  let above = end - 1;
  while (below < above) {
    const middle = (below + above) >>> 1;
    if (value <= high[middle]!) above = middle;
    else below = middle + 1;
  }
  return below - first;
}

/** The cells whose bin is not 0. */
function sparseBins(bins: Uint8Array, rows: number, cells: Cells): SparseBins {
  const lines = cells.starts.length - 1;
  const starts = new Int32Array(shared((lines + 1) * 4));
  const binAt = (line: number, at: number) => bins[line * rows + cells.places[at]!]!;
  for (let line = 0; line < lines; line++) {
    let count = 0;
    for (let at = cells.starts[line]!; at < cells.starts[line + 1]!; at++) if (binAt(line, at) !== 0) count++;
    starts[line + 1] = starts[line]! + count;
  }
  const places = new Int32Array(shared(starts[lines]! * 4));
  const own = new Uint8Array(shared(starts[lines]!));
  let to = 0;
  for (let line = 0; line < lines; line++) {
    for (let at = cells.starts[line]!; at < cells.starts[line + 1]!; at++) {
      if (binAt(line, at) === 0) continue;
      places[to] = cells.places[at]!;
      own[to++] = binAt(line, at);
    }
  }
  return { starts, places, bins: own };
}

function transpose({ starts, places, bins }: SparseBins, lines: number): SparseBins {
  const out = {
    starts: new Int32Array(shared((lines + 1) * 4)),
    places: new Int32Array(shared(places.length * 4)),
    bins: new Uint8Array(shared(bins.length)),
  };
  for (const place of places) out.starts[place + 1]!++;
  for (let line = 0; line < lines; line++) out.starts[line + 1]! += out.starts[line]!;
  const next = out.starts.slice();
  for (let line = 0; line + 1 < starts.length; line++) {
    for (let at = starts[line]!; at < starts[line + 1]!; at++) {
      const to = next[places[at]!]!++;
      out.places[to] = line;
      out.bins[to] = bins[at]!;
    }
  }
  return out;
}
