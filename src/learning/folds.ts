import { TitrateError, type Qualifier } from '../contracts';
import { createRandom } from '../foundation';

/**
 * Fold of each row, 0 .. folds - 1: rows sorted by target are dealt out in runs of `folds`, each run in its own random order,
 * so every fold spans the range of targets. Measured and censored rows are dealt separately; of each kind the folds' shares
 * differ by at most one. The same input gives the same folds.
 * @param targets length n. @param qualifiers length n.
 * @throws usage if folds is not an integer of at least 2.
 */
export function stratifiedFolds(
  targets: Float64Array,
  qualifiers: readonly Qualifier[],
  folds: number,
  seed: number,
): Int32Array {
  if (!Number.isInteger(folds) || folds < 2) {
    throw new TitrateError('usage', { what: `folds is ${folds}, expected an integer of at least 2` });
  }
  const random = createRandom(seed);
  const fold = new Int32Array(targets.length);
  const rows = [...targets.keys()];
  const sorted = (keep: (row: number) => boolean) =>
    rows.filter(keep).sort((a, b) => targets[a]! - targets[b]! || a - b);
  const dealt = [
    ...deal(
      sorted((row) => qualifiers[row] === '='),
      folds,
    ),
    ...deal(
      sorted((row) => qualifiers[row] !== '='),
      folds,
    ),
  ];
  for (const run of dealt) {
    const order = random.shuffle(Array.from({ length: folds }, (_, f) => f));
    run.forEach((row, i) => (fold[row] = order[i]!));
  }
  return fold;
}

function deal(rows: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
}

/**
 * Fold of each row, 0 .. folds - 1, whole groups (scaffolds) together: the largest group first, each to the fold that has the
 * fewest rows. Rows whose group is null or '' stand alone. Fewer folds where there are fewer groups.
 * @throws usage if folds is not an integer of at least 2, labels-insufficient if all rows are of one group
 */
export function groupedFolds(groups: readonly (string | null)[], folds: number, seed: number): Int32Array {
  if (!Number.isInteger(folds) || folds < 2)
    throw new TitrateError('usage', { what: `folds is ${folds}, expected an integer of at least 2` });
  const members = new Map<string | number, number[]>();
  groups.forEach((group, row) => {
    const key = group || row;
    members.set(key, [...(members.get(key) ?? []), row]);
  });
  if (members.size < 2) {
    throw new TitrateError('labels-insufficient', {
      what: `all ${groups.length} molecules have one scaffold`,
      remedy: 'Split at random instead',
    });
  }
  const shuffled = createRandom(seed).shuffle([...members.values()]);
  const sizes = new Array<number>(Math.min(folds, members.size)).fill(0);
  const fold = new Int32Array(groups.length);
  for (const rows of shuffled.sort((a, b) => b.length - a.length)) {
    const least = sizes.indexOf(Math.min(...sizes));
    sizes[least]! += rows.length;
    for (const row of rows) fold[row] = least;
  }
  return fold;
}
