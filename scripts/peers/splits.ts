/** Seeded random splits of a table: the same file of row numbers for every method. */
import { createRandom, deriveSeed } from '../../src/foundation';
import type { DataSet, Table } from './data-sets';

/** Row numbers of a table, from 0. */
export interface Split {
  readonly seed: number;
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Held out of a table that names no sizes. */
const TEST_SHARE = 0.2;

/**
 * One split: `train` and `test` never share a row; both in random order. Of a classification table each class is split in the
 * same proportion.
 * @throws Error if the table has fewer rows than the split needs.
 */
export function splitOf(
  table: Pick<Table, 'task' | 'targets'>,
  dataSet: Pick<DataSet, 'name' | 'sizes'>,
  index: number,
  benchSeed: number,
): Split {
  const seed = deriveSeed(benchSeed, dataSet.name, 'split', index);
  const random = createRandom(seed);
  const rows = [...table.targets.keys()];
  if (table.task === 'classification') {
    const classes = [0, 1].map((label) => random.shuffle(rows.filter((row) => table.targets[row] === label)));
    const parts = classes.map((own) => cut(own, Math.round(TEST_SHARE * own.length)));
    return {
      seed,
      train: random.shuffle(parts.flatMap((part) => part.rest)),
      test: random.shuffle(parts.flatMap((part) => part.first)),
    };
  }
  const test = dataSet.sizes.test ?? Math.round(TEST_SHARE * rows.length);
  const train = dataSet.sizes.train ?? rows.length - test;
  if (train + test > rows.length) {
    throw new Error(`${dataSet.name}: ${train + test} rows are needed and ${rows.length} are there`);
  }
  const { first, rest } = cut(random.shuffle(rows), test);
  return { seed, train: rest.slice(0, train), test: first };
}

const cut = (rows: readonly number[], count: number) => ({
  first: rows.slice(0, count),
  rest: rows.slice(count),
});
