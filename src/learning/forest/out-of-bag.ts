import type { GrownTrees } from './grow-trees';
import type { PackedTrees } from './packed-trees';

/** What the trees that did not see a row say of it; one entry a row. */
export interface OutOfBag {
  /** NaN where every tree saw the row. */
  readonly mean: Float64Array;
  /** Sample variance over these trees; NaN with fewer than two. */
  readonly variance: Float64Array;
  readonly trees: Int32Array;
}

/** @param parts of the forest, in the order of its trees: the sums, and so the bits, do not depend on who grew them */
export function outOfBag(parts: readonly GrownTrees[], rows: number): OutOfBag {
  const mean = new Float64Array(rows);
  const squares = new Float64Array(rows);
  const trees = new Int32Array(rows);
  for (const part of parts) {
    part.outside.forEach((outside, t) => {
      const { values } = part.trees[t]!;
      outside.rows.forEach((row, i) => {
        // Welford's recurrence: no difference of large sums.
        const apart = values[outside.leaves[i]!]! - mean[row]!;
        mean[row]! += apart / ++trees[row]!;
        squares[row]! += apart * (values[outside.leaves[i]!]! - mean[row]!);
      });
    });
  }
  return {
    mean: mean.map((value, row) => (trees[row]! > 0 ? value : NaN)),
    variance: squares.map((sum, row) => (trees[row]! > 1 ? sum / (trees[row]! - 1) : NaN)),
    trees,
  };
}

/**
 * Fills the leaves with the squared errors of the rows that fell into them unseen.
 * @param squared of each row; NaN leaves it out
 * @returns of each row, the mean of the squared errors of the other rows in the leaves it fell into unseen; NaN where there is none
 */
export function spreadErrors(
  trees: PackedTrees,
  parts: readonly GrownTrees[],
  squared: Float64Array,
): Float64Array {
  const { leafStarts, errors, errorCounts } = trees;
  const outside = parts.flatMap((part) => part.outside);
  const each = (visit: (row: number, leaf: number) => void) =>
    outside.forEach(({ rows, leaves }, t) => {
      for (let i = 0; i < rows.length; i++)
        if (!Number.isNaN(squared[rows[i]!])) visit(rows[i]!, leafStarts[t]! + leaves[i]!);
    });
  each((row, leaf) => {
    errors[leaf]! += squared[row]!;
    errorCounts[leaf]!++;
  });
  const sums = new Float64Array(squared.length);
  const counts = new Float64Array(squared.length);
  each((row, leaf) => {
    sums[row]! += Math.max(0, errors[leaf]! - squared[row]!);
    counts[row]! += errorCounts[leaf]! - 1;
  });
  return sums.map((sum, row) => (counts[row]! > 0 ? sum / counts[row]! : NaN));
}
