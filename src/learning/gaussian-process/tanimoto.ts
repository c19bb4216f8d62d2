import { populationCount, type EncodedRows } from './feature-space';
import { sharedInt32, sharedUint32 } from './shared-arrays';

/**
 * The MinMax kernel, sum of minima over sum of maxima, which on bits is Tanimoto's (Ralaivola et al. 2005, Neural Networks
 * 18, 1093; positive semi-definite: Gower 1971). With quantile pairs (u, 1 - u) of D columns the sums gain D - |u - v|_1
 * and D + |u - v|_1. Two empty vectors are the same molecule to the featurizer: 1, as on the rest of the diagonal.
 */

/** Training rows ready for many queries: the rows, and for every bit the rows it is on in. */
export interface TanimotoReference {
  readonly encoded: EncodedRows;
  /** postings[postingStarts[b] .. postingStarts[b + 1]): the rows with bit b on, ascending. */
  readonly postingStarts: Int32Array;
  readonly postings: Uint32Array;
}

/** An increment through a posting list costs about this share of an AND-and-count of one word (measured). */
const POSTING_COST = 0.3;

export function buildReference(encoded: EncodedRows): TanimotoReference {
  const { rows, words, bits } = encoded;
  const starts = sharedInt32(words * 32 + 1);
  forEachBit(encoded, 0, rows, (_row, bit) => starts[bit + 1]!++);
  for (let b = 0; b < words * 32; b++) starts[b + 1]! += starts[b]!;
  const postings = sharedUint32(starts[words * 32]!);
  const next = starts.slice();
  forEachBit({ words, bits }, 0, rows, (row, bit) => {
    postings[next[bit]!++] = row;
  });
  return { encoded, postingStarts: starts, postings };
}

function forEachBit(
  { words, bits }: Pick<EncodedRows, 'words' | 'bits'>,
  from: number,
  to: number,
  visit: (row: number, bit: number) => void,
): void {
  for (let row = from; row < to; row++) {
    for (let k = 0; k < words; k++) {
      for (let word = bits[row * words + k]!; word !== 0; word &= word - 1)
        visit(row, k * 32 + 31 - Math.clz32(word & -word));
    }
  }
}

/**
 * Kernel values of one query row against every reference row.
 * @param overlap scratch, length = reference rows.
 * @param out length >= outAt + reference rows.
 */
export function kernelRow(
  reference: TanimotoReference,
  query: EncodedRows,
  row: number,
  overlap: Int32Array,
  out: Float64Array,
  outAt: number,
): void {
  const { encoded } = reference;
  overlaps(reference, query, row, overlap);
  const own = query.counts[row]!;
  const { width, rows, counts, levels } = encoded;
  if (width === 0) {
    for (let i = 0; i < rows; i++) {
      const shared = overlap[i]!;
      const union = own + counts[i]! - shared;
      out[outAt + i] = union === 0 ? 1 : shared / union;
    }
    return;
  }
  const at = row * width;
  for (let i = 0; i < rows; i++) {
    let distance = 0;
    const other = i * width;
    for (let c = 0; c < width; c++) distance += Math.abs(query.levels[at + c]! - levels[other + c]!);
    const shared = overlap[i]!;
    out[outAt + i] = (shared + width - distance) / (own + counts[i]! - shared + width + distance);
  }
}

/** Bits on in both, against every reference row: through posting lists when the query is sparse, else word by word. */
function overlaps(reference: TanimotoReference, query: EncodedRows, row: number, overlap: Int32Array): void {
  const { encoded, postingStarts, postings } = reference;
  const { words, rows, bits } = encoded;
  const at = row * words;
  let increments = 0;
  for (let k = 0; k < words; k++) {
    for (let word = query.bits[at + k]!; word !== 0; word &= word - 1) {
      const bit = k * 32 + 31 - Math.clz32(word & -word);
      increments += postingStarts[bit + 1]! - postingStarts[bit]!;
    }
  }
  if (increments * POSTING_COST < rows * words) {
    overlap.fill(0);
    for (let k = 0; k < words; k++) {
      for (let word = query.bits[at + k]!; word !== 0; word &= word - 1) {
        const bit = k * 32 + 31 - Math.clz32(word & -word);
        const end = postingStarts[bit + 1]!;
        for (let p = postingStarts[bit]!; p < end; p++) overlap[postings[p]!]!++;
      }
    }
    return;
  }
  for (let i = 0; i < rows; i++) {
    const other = i * words;
    let sum = 0;
    for (let k = 0; k < words; k++) sum += populationCount(query.bits[at + k]! & bits[other + k]!);
    overlap[i] = sum;
  }
}

/** Kernel of the reference rows among themselves: row-major n x n, both triangles. */
export function kernelMatrix(reference: TanimotoReference): Float64Array {
  const n = reference.encoded.rows;
  const overlap = new Int32Array(n);
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) kernelRow(reference, reference.encoded, i, overlap, out, i * n);
  return out;
}
