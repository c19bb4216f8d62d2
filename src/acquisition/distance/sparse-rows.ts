import type { FeatureMatrix } from '../../contracts';

/** Rows of counted keys, ascending within a row; a bit is a key with a count of 1. */
export interface SparseRows {
  readonly rows: number;
  /** Row i is keys[starts[i]] up to keys[starts[i + 1]]. */
  readonly starts: Uint32Array;
  readonly keys: Uint32Array;
  readonly counts: Uint32Array;
  /** Counts of a row, summed. */
  readonly totals: Float64Array;
}

/**
 * What of the features says which substructures a molecule has: bits and counts; of a concatenation with descriptors its columns of 0 and
 * 1; of a bundle the first part that has any. Null where nothing does (descriptors alone, graphs).
 */
export function sparseRowsOf(features: FeatureMatrix): SparseRows | null {
  switch (features.layout) {
    case 'bits':
      return collect(features.rows, (row, add) => eachBit(features, row, add));
    case 'counts':
      return collect(features.rows, (row, add) => eachCount(features, row, add));
    case 'dense':
      return denseBits(features);
    case 'bundle':
      for (const part of features.parts!) {
        const rows = sparseRowsOf(part);
        if (rows) return rows;
      }
      return null;
    case 'graph':
      return null;
  }
}

/** Generalised Tanimoto coefficient, sum of minima over sum of maxima, of two rows; 1 for two empty ones. */
export function similarity(a: SparseRows, row: number, b: SparseRows, other: number): number {
  let [i, j] = [a.starts[row]!, b.starts[other]!];
  const [endA, endB] = [a.starts[row + 1]!, b.starts[other + 1]!];
  let shared = 0;
  while (i < endA && j < endB) {
    const [left, right] = [a.keys[i]!, b.keys[j]!];
    if (left === right) {
      shared += Math.min(a.counts[i]!, b.counts[j]!);
      i++;
      j++;
    } else if (left < right) i++;
    else j++;
  }
  return ratio(shared, a.totals[row]! + b.totals[other]!);
}

const ratio = (shared: number, both: number) => (both === 0 ? 1 : shared / (both - shared));

/** Rows by key, for the similarity of one row to all of them at once. */
export class SimilarityIndex {
  private readonly postings = new Map<number, { rows: number[]; counts: number[] }>();
  private readonly shared: Float64Array;

  constructor(readonly indexed: SparseRows) {
    this.shared = new Float64Array(indexed.rows);
    for (let row = 0; row < indexed.rows; row++) {
      for (let at = indexed.starts[row]!; at < indexed.starts[row + 1]!; at++) {
        const key = indexed.keys[at]!;
        let list = this.postings.get(key);
        if (!list) this.postings.set(key, (list = { rows: [], counts: [] }));
        list.rows.push(row);
        list.counts.push(indexed.counts[at]!);
      }
    }
  }

  /** @param out length = indexed rows */
  similarities<T extends Float64Array | Float32Array>(query: SparseRows, row: number, out: T): T {
    const { indexed, shared, postings } = this;
    shared.fill(0);
    for (let at = query.starts[row]!; at < query.starts[row + 1]!; at++) {
      const list = postings.get(query.keys[at]!);
      if (!list) continue;
      const count = query.counts[at]!;
      const { rows, counts } = list;
      for (let i = 0; i < rows.length; i++) shared[rows[i]!]! += Math.min(count, counts[i]!);
    }
    const own = query.totals[row]!;
    for (let i = 0; i < indexed.rows; i++) out[i] = ratio(shared[i]!, own + indexed.totals[i]!);
    return out;
  }
}

type Add = (key: number, count: number) => void;

function collect(rows: number, each: (row: number, add: Add) => void): SparseRows {
  const starts = new Uint32Array(rows + 1);
  const totals = new Float64Array(rows);
  const keys: number[] = [];
  const counts: number[] = [];
  for (let row = 0; row < rows; row++) {
    each(row, (key, count) => {
      keys.push(key);
      counts.push(count);
      totals[row]! += count;
    });
    starts[row + 1] = keys.length;
  }
  return { rows, starts, totals, keys: Uint32Array.from(keys), counts: Uint32Array.from(counts) };
}

/** Bit b lies in byte b >> 3 at place b & 7. */
function eachBit({ data, columns }: FeatureMatrix, row: number, add: Add): void {
  const bytes = columns / 8;
  for (let byte = 0; byte < bytes; byte++)
    for (let bit = 0, value = data[row * bytes + byte]!; value; bit++, value >>>= 1)
      if (value & 1) add(byte * 8 + bit, 1);
}

function eachCount({ data, columns, offsets }: FeatureMatrix, row: number, add: Add): void {
  for (let at = offsets![row]! + columns; at < offsets![row + 1]!; at += 2) add(data[at]!, data[at + 1]!);
}

function denseBits({ data, rows, columns, spec }: FeatureMatrix): SparseRows | null {
  const bits = Array.from({ length: columns }, (_, c) => c).filter((c) => {
    for (let row = 0; row < rows; row++) {
      const value = data[row * columns + c]!;
      if (value !== 0 && value !== 1) return false;
    }
    return true;
  });
  // Descriptors alone have the odd column of 0 and 1 too.
  if (bits.length === 0 || spec.kind === 'descriptors') return null;
  return collect(rows, (row, add) => {
    for (const c of bits) if (data[row * columns + c] === 1) add(c, 1);
  });
}
