import { TitrateError } from '../../contracts';
import { createRandom } from '../../foundation';

/**
 * Indices of a sample of at most `maxRows` rows, ascending: rows sorted by target are cut into that many runs of equal
 * length (to one) and one row is drawn from each, so the sample has the distribution of the targets.
 * @param targets length n.
 * @throws usage if maxRows is not a positive integer.
 */
export function downscale({
  targets,
  maxRows,
  seed,
}: {
  targets: Float64Array;
  maxRows: number;
  seed: number;
}): number[] {
  if (!Number.isInteger(maxRows) || maxRows < 1) {
    throw new TitrateError('usage', { what: `maxRows is ${maxRows}, expected a positive integer` });
  }
  const rows = [...targets.keys()];
  if (rows.length <= maxRows) return rows;
  const random = createRandom(seed);
  rows.sort((a, b) => targets[a]! - targets[b]! || a - b);
  const chosen = Array.from({ length: maxRows }, (_, i) => {
    const from = Math.floor((i * rows.length) / maxRows);
    const to = Math.floor(((i + 1) * rows.length) / maxRows);
    return rows[from + random.below(to - from)]!;
  });
  return chosen.sort((a, b) => a - b);
}
