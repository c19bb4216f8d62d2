import type { Qualifier } from '../../contracts';
import { inverseMills } from '../../foundation';

/**
 * Bounds as values: each becomes the mean of what lies beyond it, under a normal with the forest's out-of-bag mean of the row and the
 * deviation of its errors (Buckley and James 1979, Biometrika 66, 429, with the normal of Tobin 1958 in place of the residuals'
 * distribution). A bound that the forest satisfies by far becomes what the forest says already.
 * @param mean out of bag @param deviation above 0
 * @returns the targets, those of bounds replaced
 */
export function imputeBounds(
  targets: Float64Array,
  qualifiers: readonly Qualifier[],
  mean: Float64Array,
  deviation: number,
): Float64Array {
  return targets.map((bound, row) => {
    const qualifier = qualifiers[row];
    if (qualifier === '=' || Number.isNaN(bound)) return bound;
    // With few trees it may be that all of them saw the row.
    if (Number.isNaN(mean[row]!)) return bound;
    const side = qualifier === '>' ? 1 : -1;
    const z = (side * (mean[row]! - bound)) / deviation;
    return mean[row]! + side * deviation * inverseMills(z);
  });
}
