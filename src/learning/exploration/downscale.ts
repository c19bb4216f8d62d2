import { TitrateError, type LearningTask } from '../../contracts';
import { createRandom, deriveSeed } from '../../foundation';
import type { TargetColumn } from '../learning';

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

/** Share of a downscaled classification that the rarer class may make up. */
const RARE_SHARE = 0.5;

/**
 * Rows of a downscaled set, ascending. Regression: stratified by target. Classification: all of the rarer class, up to half of the
 * set, and the other class drawn at random: with rare actives a plain sample would hold next to none of them.
 * @throws usage if maxRows is not a positive integer.
 */
export function downscaleLabels(
  { targets, task }: Pick<TargetColumn, 'targets'> & { readonly task?: LearningTask },
  maxRows: number,
  seed: number,
): number[] {
  if (task !== 'classification' || targets.length <= maxRows) return downscale({ targets, maxRows, seed });
  const rows = [...targets.keys()];
  const classes = [1, 0].map((wanted) => rows.filter((row) => targets[row] === wanted));
  const [rare, common] = classes.sort((a, b) => a.length - b.length) as [number[], number[]];
  const kept = Math.min(rare.length, Math.floor(RARE_SHARE * maxRows));
  const draw = (from: number[], count: number, name: string) =>
    createRandom(deriveSeed(seed, name)).shuffle(from).slice(0, count);
  return [...draw(rare, kept, 'rare'), ...draw(common, maxRows - kept, 'common')].sort((a, b) => a - b);
}
