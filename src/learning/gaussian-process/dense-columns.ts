import type { EncodedRows } from './feature-space';
import { sharedFloat64, sharedInt32 } from './shared-arrays';

/** For every bit or counted column the rows it is on in. */
export interface PostingLists {
  /** postings[postingStarts[b] .. postingStarts[b + 1]): the rows with bit b on, ascending. */
  readonly postingStarts: Int32Array;
  readonly postings: Uint32Array;
  /** The same of counted column c, with the count in that row. */
  readonly countedStarts: Int32Array;
  readonly countedRows: Uint32Array;
  readonly countedValues: Int32Array;
}

/**
 * Columns that are on in many reference rows, as one byte a row: minima of whole columns are then sixteen rows an instruction.
 * The rest stay posting lists.
 */
export interface DenseColumns {
  /** Bytes of a column: rows, padded with zeros to a multiple of COLUMN_STEP. */
  readonly stride: number;
  /** Column in slot s: bytes [s stride, (s + 1) stride). */
  readonly bytes: Uint8Array;
  /** Slot of each bit and of each counted column; -1 where it is a posting list. */
  readonly bitSlots: Int32Array;
  readonly countedSlots: Int32Array;
  /** Sum of bits and counts of each reference row, and |v|^2 of its levels as products.ts sums it; padded to `stride`. */
  readonly totals: Float64Array;
  readonly squares: Float64Array;
}

/** Rows that one pass of the loop of kernel-machine.ts takes. */
export const COLUMN_STEP = 128;
/** A column on in at least this share of the rows costs less by bytes than by its list (measured; flat from 1 / 25 to 1 / 80). */
const DENSE_SHARE = 1 / 64;
/** Sums of minima are kept in 16 bits; no row may total more. */
const MOST_TOTAL = 65_535;
/** A count above this does not fit into a byte. */
const MOST_COUNT = 255;

/**
 * @param apart levels stand in a kernel of their own.
 * @returns undefined where levels belong to the MinMax kernel, or a row totals more than MOST_TOTAL.
 */
export function denseColumns(
  encoded: EncodedRows,
  lists: PostingLists,
  apart: boolean,
): DenseColumns | undefined {
  const { rows, words, counts, width } = encoded;
  if (rows === 0 || (width > 0 && !apart) || counts.some((total) => total > MOST_TOTAL)) return undefined;
  const stride = Math.ceil(rows / COLUMN_STEP) * COLUMN_STEP;
  const least = Math.max(4, rows * DENSE_SHARE);
  let slots = 0;
  const place = (starts: Int32Array, columns: number, fits: (from: number, to: number) => boolean) => {
    const out = sharedInt32(columns).fill(-1);
    for (let c = 0; c < columns; c++) {
      const [from, to] = [starts[c]!, starts[c + 1]!];
      if (to - from >= least && fits(from, to)) out[c] = slots++;
    }
    return out;
  };
  const { postingStarts, postings, countedStarts, countedRows, countedValues } = lists;
  const bitSlots = place(postingStarts, words * 32, () => true);
  const countedSlots = place(countedStarts, countedStarts.length - 1, (from, to) => {
    for (let p = from; p < to; p++) if (countedValues[p]! > MOST_COUNT) return false;
    return true;
  });
  const bytes = new Uint8Array(new SharedArrayBuffer(slots * stride));
  bitSlots.forEach((slot, c) => {
    if (slot < 0) return;
    for (let p = postingStarts[c]!; p < postingStarts[c + 1]!; p++) bytes[slot * stride + postings[p]!] = 1;
  });
  countedSlots.forEach((slot, c) => {
    if (slot < 0) return;
    for (let p = countedStarts[c]!; p < countedStarts[c + 1]!; p++)
      bytes[slot * stride + countedRows[p]!] = countedValues[p]!;
  });
  const totals = sharedFloat64(stride);
  totals.set(counts);
  const squares = sharedFloat64(stride);
  if (apart) for (let r = 0; r < rows; r++) squares[r] = squareOf(encoded, r);
  return { stride, bytes, bitSlots, countedSlots, totals, squares };
}

/** |v|^2 over the levels of a row, in the order of products.ts, so that the distance of a row to itself is 0. */
export function squareOf({ width, levels }: EncodedRows, row: number): number {
  let sum = 0;
  for (let at = row * width; at < (row + 1) * width; at++) sum += levels[at]! * levels[at]!;
  return sum;
}
