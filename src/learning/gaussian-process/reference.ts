import { populationCount, type EncodedRows } from './feature-space';
import { denseColumns, type DenseColumns, type PostingLists } from './dense-columns';
import { sharedInt32, sharedUint32 } from './shared-arrays';

/**
 * The MinMax kernel, sum of minima over sum of maxima, which on bits is Tanimoto's (Ralaivola et al. 2005, Neural Networks
 * 18, 1093; positive semi-definite: Gower 1971). With quantile pairs (u, 1 - u) of D columns the sums gain D - |u - v|_1
 * and D + |u - v|_1. Two empty vectors are the same molecule to the featurizer: 1, as on the rest of the diagonal.
 */

/**
 * Where descriptors stand apart from the structure, the kernel is
 * structure T + product T R + descriptors R, with T the MinMax kernel of the counts and R = exp(-|u - v|^2 / (2 l^2 2 D)) on the D
 * normal scores (2 D is the mean square distance of independent u and v). The weights sum to 1, so the
 * diagonal is 1. Sums and products of kernels are kernels (Rasmussen and Williams 2006, section 4.2.4).
 */
export interface KernelMix {
  readonly structure: number;
  readonly product: number;
  readonly descriptors: number;
  /** l, in units of the root mean square distance of unrelated molecules. */
  readonly lengthScale: number;
}

/** Training rows ready for many queries. */
export interface TanimotoReference extends PostingLists {
  readonly encoded: EncodedRows;
  /** Absent: levels belong to the MinMax kernel. */
  readonly mix?: KernelMix;
  /** Columns that are on in many rows, for kernel-rows.ts; absent where it does not apply. */
  readonly dense?: DenseColumns;
}

/** An increment through a posting list costs about this share of an AND-and-count of one word (measured). */
const POSTING_COST = 0.3;

export function buildReference(encoded: EncodedRows, mix?: KernelMix): TanimotoReference {
  const { rows, words, bits } = encoded;
  const starts = sharedInt32(words * 32 + 1);
  forEachBit(encoded, 0, rows, (_row, bit) => starts[bit + 1]!++);
  for (let b = 0; b < words * 32; b++) starts[b + 1]! += starts[b]!;
  const postings = sharedUint32(starts[words * 32]!);
  const next = starts.slice();
  forEachBit({ words, bits }, 0, rows, (row, bit) => {
    postings[next[bit]!++] = row;
  });
  const lists = { postingStarts: starts, postings, ...countedPostings(encoded) };
  return { encoded, mix, ...lists, dense: denseColumns(encoded, lists, mix !== undefined) };
}

function countedPostings({
  rows,
  countStarts,
  countColumns,
  countValues,
}: EncodedRows): Pick<PostingLists, 'countedStarts' | 'countedRows' | 'countedValues'> {
  const columns = countColumns.reduce((most, column) => Math.max(most, column + 1), 0);
  const countedStarts = sharedInt32(columns + 1);
  for (const column of countColumns) countedStarts[column + 1]!++;
  for (let c = 0; c < columns; c++) countedStarts[c + 1]! += countedStarts[c]!;
  const countedRows = sharedUint32(countColumns.length);
  const countedValues = sharedInt32(countColumns.length);
  const next = countedStarts.slice();
  for (let r = 0; r < rows; r++) {
    for (let at = countStarts[r]!; at < countStarts[r + 1]!; at++) {
      const place = next[countColumns[at]!]!++;
      countedRows[place] = r;
      countedValues[place] = countValues[at]!;
    }
  }
  return { countedStarts, countedRows, countedValues };
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
 * Kernel values of one query row against every reference row: the plain path. Of many rows `kernelRows` makes the same values faster.
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
  const { encoded, mix } = reference;
  overlaps(reference, query, row, overlap);
  addCountedOverlaps(reference, query, row, overlap);
  const own = query.counts[row]!;
  const { width, rows, counts, levels } = encoded;
  if (width > 0 && !mix) {
    const at = row * width;
    for (let i = 0; i < rows; i++) {
      let distance = 0;
      const other = i * width;
      for (let c = 0; c < width; c++) distance += Math.abs(query.levels[at + c]! - levels[other + c]!);
      const shared = overlap[i]!;
      out[outAt + i] = (shared + width - distance) / (own + counts[i]! - shared + width + distance);
    }
    return;
  }
  for (let i = 0; i < rows; i++) {
    const shared = overlap[i]!;
    const union = own + counts[i]! - shared;
    out[outAt + i] = union === 0 ? 1 : shared / union;
  }
  if (!mix || width === 0) return;
  const factor = -1 / (4 * mix.lengthScale ** 2 * width);
  for (let i = 0; i < rows; i++) {
    const near = Math.exp(factor * squaredDistance(query, row, encoded, i));
    const alike = out[outAt + i]!;
    out[outAt + i] = mix.structure * alike + (mix.product * alike + mix.descriptors) * near;
  }
}

/** |u - v|^2 over the level columns. */
export function squaredDistance(a: EncodedRows, row: number, b: EncodedRows, other: number): number {
  const { width } = a;
  let at = row * width;
  let place = other * width;
  let sum = 0;
  for (let c = 0; c < width; c++) {
    const gap = a.levels[at++]! - b.levels[place++]!;
    sum += gap * gap;
  }
  return sum;
}

/** Adds what the counts of the query row have in common with those of every reference row. */
function addCountedOverlaps(
  { countedStarts, countedRows, countedValues }: PostingLists,
  { countStarts, countColumns, countValues }: EncodedRows,
  row: number,
  overlap: Int32Array,
): void {
  const known = countedStarts.length - 1;
  for (let at = countStarts[row]!; at < countStarts[row + 1]!; at++) {
    const column = countColumns[at]!;
    if (column >= known) continue;
    const count = countValues[at]!;
    const end = countedStarts[column + 1]!;
    if (count === 1) {
      for (let p = countedStarts[column]!; p < end; p++) overlap[countedRows[p]!]!++;
    } else {
      for (let p = countedStarts[column]!; p < end; p++) {
        const other = countedValues[p]!;
        overlap[countedRows[p]!]! += other < count ? other : count;
      }
    }
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
