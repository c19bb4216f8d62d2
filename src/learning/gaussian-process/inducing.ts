import { createRandom } from '../../foundation';
import { selectEncodedRows, type EncodedRows, type FeatureSpace } from './feature-space';
import { buildReference, kernelRow, type KernelMix } from './tanimoto';

/** Labels up to which the process is exact unless settings say otherwise: here it keeps a matrix of 200 MB. */
export const EXACT_ROWS = 5000;
/** Values of the block of rows x inducing molecules: 512 MB. */
const BLOCK_VALUES = 64 * 1024 * 1024;
/** More would cost more than they give: the work grows with their square. */
const MOST_INDUCING = 2048;
/** A molecule with less than this left of its prior variance is as good as one chosen already. */
const SPENT = 1e-6;
/** Knots kept of each descriptor's quantiles: a model must not grow with the rows it was trained on. */
const KNOTS = 256;

/** How many inducing molecules go with a number of rows. */
export function inducingCount(rows: number, wanted?: number): number {
  return Math.min(rows, wanted ?? Math.min(MOST_INDUCING, Math.floor(BLOCK_VALUES / rows)));
}

/**
 * A fixed random sample of the rows, in the order of pivoted Cholesky (Fine and Scheinberg 2001, J. Mach. Learn. Res. 2, 243): each next
 * one is that of greatest variance given those before it, and those that others stand for already are left out. Choosing by
 * that variance among all rows picks the odd ones and predicts worse (docs/adr/0011).
 * @param first rows taken before the choice begins, as far as they are not spent.
 * @returns at most `count` rows in the order chosen.
 */
export function chooseInducing(
  encoded: EncodedRows,
  mix: KernelMix | undefined,
  count: number,
  first: readonly number[] = [],
): number[] {
  const drawn = createRandom(1).shuffle(Array.from({ length: encoded.rows }, (_, row) => row));
  const rows = [...new Set([...first, ...drawn.slice(0, count)])];
  const candidates = selectEncodedRows(encoded, rows);
  const reference = buildReference(candidates, mix);
  const n = rows.length;
  const left = new Float64Array(n).fill(1);
  const factor = new Float64Array(count * n);
  const overlap = new Int32Array(n);
  const chosen: number[] = [];
  const column = new Float64Array(n);
  for (let forced = 0; chosen.length < count;) {
    let pivot = -1;
    while (forced < first.length && pivot < 0) {
      if (left[forced]! > SPENT) pivot = forced;
      forced++;
    }
    if (pivot < 0) pivot = left.reduce((best, value, i) => (value > left[best]! ? i : best), 0);
    if (!(left[pivot]! > SPENT)) break;
    kernelRow(reference, candidates, pivot, overlap, column, 0);
    subtractEarlier(factor, n, chosen.length, pivot, column);
    const root = Math.sqrt(left[pivot]!);
    const at = chosen.length * n;
    for (let i = 0; i < n; i++) {
      const value = column[i]! / root;
      factor[at + i] = value;
      left[i]! -= value * value;
    }
    left[pivot] = 0;
    chosen.push(rows[pivot]!);
  }
  return chosen;
}

/** column -= sum over earlier k of factor[k][pivot] factor[k], four at a time. */
function subtractEarlier(
  factor: Float64Array,
  n: number,
  earlier: number,
  pivot: number,
  column: Float64Array,
): void {
  for (let k = 0; k < earlier; k += 4) {
    const at = [0, 1, 2, 3].map((q) => Math.min(k + q, earlier - 1) * n) as [number, number, number, number];
    const f = at.map((row, q) => (k + q < earlier ? factor[row + pivot]! : 0)) as typeof at;
    const [a0, a1, a2, a3] = at;
    const [f0, f1, f2, f3] = f;
    for (let i = 0; i < n; i++) {
      column[i]! -= f0 * factor[a0 + i]! + f1 * factor[a1 + i]! + f2 * factor[a2 + i]! + f3 * factor[a3 + i]!;
    }
  }
}

/** The same space with at most KNOTS knots a column, evenly taken, ends included. */
export function thinned(space: FeatureSpace): FeatureSpace {
  const { knotStarts, knotValues, knotLevels } = space;
  const kept: number[] = [];
  const starts = knotStarts.slice(0, 1);
  const ends: number[] = [];
  for (let c = 0; c + 1 < knotStarts.length; c++) {
    const from = knotStarts[c]!;
    const count = knotStarts[c + 1]! - from;
    const knots = Math.min(count, KNOTS);
    for (let k = 0; k < knots; k++) kept.push(from + Math.round((k * (count - 1)) / (knots - 1)));
    ends.push(kept.length);
  }
  return {
    ...space,
    knotStarts: Int32Array.from([...starts, ...ends]),
    knotValues: Float64Array.from(kept, (at) => knotValues[at]!),
    knotLevels: Float64Array.from(kept, (at) => knotLevels[at]!),
  };
}
