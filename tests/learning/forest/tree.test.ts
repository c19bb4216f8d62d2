import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { columnCount, learnColumns, rowEncoder } from '../../../src/learning/forest/columns';
import { leafOfTrainingRow, TreeGrower, type Tree } from '../../../src/learning/forest/grow-tree';
import { binTraining, MAX_BINS } from '../../../src/learning/forest/training-columns';
import { VaryingColumns } from '../../../src/learning/forest/varying-columns';
import type { FeatureMatrix } from '../../../src/contracts';
import { describeWithPython, runPython } from '../../support/python';
import { fingerprints, matrix, noisy, truth } from '../synthetic';
import { countRows } from './count-rows';

const ALL = { countedTried: Infinity, realTried: Infinity, minLeaf: 1 };
const allRows = (rows: number) => Int32Array.from({ length: rows }, (_, row) => row);

/** One tree of all rows and all columns. */
function grow(
  features: FeatureMatrix,
  targets: Float64Array,
  weights = targets.map(() => 1),
  settings = ALL,
) {
  const columns = learnColumns(features);
  const training = binTraining(columns, features);
  const task = {
    targets,
    splitWeights: weights,
    leafWeights: weights,
    rows: allRows(features.rows),
    centre: 0,
  };
  return { columns, training, tree: new TreeGrower(training, settings).grow(task, createRandom(1)) };
}

function predict(columns: ReturnType<typeof learnColumns>, tree: Tree, features: FeatureMatrix): number[] {
  const encode = rowEncoder(columns, features);
  const values = new Float32Array(columnCount(columns));
  return Array.from({ length: features.rows }, (_, row) => {
    encode(row, values, 0);
    let node = 0;
    while (tree.columns[node]! >= 0)
      node = values[tree.columns[node]!]! <= tree.thresholds[node]! ? node + 1 : tree.rights[node]!;
    return tree.values[tree.rights[node]!]!;
  });
}

const countsArbitrary = fc.integer({ min: 4, max: 60 }).chain((rows) =>
  fc.record({
    cells: fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 }), {
      minLength: rows,
      maxLength: rows,
    }),
    targets: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows, maxLength: rows }),
    weights: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: rows, maxLength: rows }),
  }),
);

describe('a tree', () => {
  test('splits where the weighted squared error that is left is least, whatever the number of rows', () => {
    fc.assert(
      fc.property(countsArbitrary, ({ cells, targets, weights }) => {
        const { tree, columns } = grow(
          countRows(cells),
          Float64Array.from(targets),
          Float64Array.from(weights),
        );
        const error = (rows: number[]) => {
          const weight = rows.reduce((sum, row) => sum + weights[row]!, 0);
          const mean = rows.reduce((sum, row) => sum + weights[row]! * targets[row]!, 0) / weight;
          return rows.reduce((sum, row) => sum + weights[row]! * (targets[row]! - mean) ** 2, 0);
        };
        const left = (column: number, threshold: number) => {
          const [low, high]: [number[], number[]] = [[], []];
          cells.forEach((row, i) => (row[columns.counted[column]!]! <= threshold ? low : high).push(i));
          return low.length && high.length ? error(low) + error(high) : Infinity;
        };
        const every = [...columns.counted.keys()].flatMap((column) =>
          [0.5, 1.5, 2.5].map((threshold) => left(column, threshold)),
        );
        if (tree.columns[0]! < 0) {
          const constant = new Set(targets).size === 1;
          expect(constant || Math.min(...every) === Infinity).toBe(true);
        } else {
          expect(left(tree.columns[0]!, tree.thresholds[0]!)).toBeCloseTo(Math.min(...every), 6);
        }
      }),
    );
  });

  test('is grown until its leaves are pure: rows that differ are told apart', () => {
    const features = fingerprints(120, 1);
    const targets = noisy(truth(features), 1, 2);
    const { columns, tree, training } = grow(features, targets);
    predict(columns, tree, features).forEach((value, row) => {
      expect(value).toBeCloseTo(targets[row]!, 5);
      expect(tree.values[leafOfTrainingRow(tree, training, row)]).toBe(value);
    });
  });

  test('keeps leaves from minLeaf rows on', () => {
    const features = fingerprints(200, 1);
    const { tree, training } = grow(features, truth(features), undefined, { ...ALL, minLeaf: 7 });
    const sizes = new Map<number, number>();
    for (const row of allRows(200)) {
      const leaf = leafOfTrainingRow(tree, training, row);
      sizes.set(leaf, (sizes.get(leaf) ?? 0) + 1);
    }
    expect(sizes.size).toBe(tree.values.length);
    expect(sizes.size).toBeGreaterThan(5);
    expect(Math.min(...sizes.values())).toBeGreaterThanOrEqual(7);
  });

  test('lists the columns that vary in a node by what its rows hold', () => {
    fc.assert(
      fc.property(countsArbitrary, fc.integer(), ({ cells }, seed) => {
        const features = countRows(cells);
        const columns = learnColumns(features);
        const training = binTraining(columns, features);
        const rows = Int32Array.from(
          createRandom(seed)
            .shuffle([...cells.keys()])
            .slice(0, 4),
        );
        const none = new Float64Array(0);
        const varying = new VaryingColumns(training);
        const count = varying.find({
          ...{ rows, count: 4, weights: none, weighted: none, weight: 0, total: 0, id: 0 },
        });
        const expected = [...columns.counted.keys()].filter(
          (column) => new Set([...rows].map((row) => cells[row]![columns.counted[column]!])).size > 1,
        );
        expect([...varying.columns.subarray(0, count)].sort((a, b) => a - b)).toEqual(expected);
      }),
    );
  });
});

describe('columns', () => {
  test('constant ones and those that tell one row apart are left out; flags of a dense matrix are counted', () => {
    const rows = [
      [0, 1, 0.5, 7, 0],
      [1, 1, 0.25, 7, 0],
      [1, 1, -3, 7, 1],
    ];
    const columns = learnColumns(matrix('dense', 3, 5, Float32Array.from(rows.flat())));
    expect([...columns.counted]).toEqual([0]);
    expect([...columns.real]).toEqual([2]);
    const counts = learnColumns(
      countRows([
        [1, 0, 2, 3],
        [0, 0, 2, 1],
        [4, 1, 2, 0],
      ]),
    );
    expect([...counts.counted]).toEqual([0, 3]);
  });

  test('more values than bins are put together in order, none lost', () => {
    const random = createRandom(3);
    const rows = 3000;
    const data = Float32Array.from({ length: rows }, () => random.normal());
    const features = matrix('dense', rows, 1, data);
    const { edges, low, high, bins } = binTraining(learnColumns(features), features);
    expect(edges[1]).toBeLessThanOrEqual(MAX_BINS);
    expect(edges[1]).toBeGreaterThan(200);
    data.forEach((value, row) => {
      expect(value).toBeGreaterThanOrEqual(low[bins[row]!]!);
      expect(value).toBeLessThanOrEqual(high[bins[row]!]!);
    });
    for (let bin = 1; bin < edges[1]!; bin++) expect(low[bin]).toBeGreaterThan(high[bin - 1]!);
  });

  test('a value that is not finite is named with its molecule', () => {
    const features = matrix('dense', 2, 2, Float32Array.from([0, 1, NaN, 3]));
    expect(() => learnColumns(features)).toThrow(expect.objectContaining({ code: 'numerical' }));
    expect(() => learnColumns(features)).toThrow(features.moleculeIds[1]);
  });
});

describeWithPython('a tree against scikit-learn', () => {
  test('without randomness it is the same tree: the same predictions, weighted or not', () => {
    const random = createRandom(5);
    const draw = (rows: number) => Float32Array.from({ length: rows * 4 }, () => random.normal());
    const [x, q] = [draw(220), draw(300)];
    const at = (data: Float32Array, row: number) => [...data.subarray(4 * row, 4 * row + 4)];
    const targets = Float64Array.from({ length: 220 }, (_, row) => {
      const [a, b, c] = at(x, row) as [number, number, number];
      return Math.sin(2 * a) + b * c + 0.3 * random.normal();
    });
    const weights = targets.map(() => 1 + random.below(4));
    const [features, queries] = [matrix('dense', 220, 4, x), matrix('dense', 300, 4, q)];
    const oracle = runPython<number[][]>(
      `
import sys, json, numpy as np
from sklearn.tree import DecisionTreeRegressor
d = json.load(sys.stdin)
x, q = np.array(d['x'], np.float32).reshape(-1, 4), np.array(d['q'], np.float32).reshape(-1, 4)
fit = lambda w: DecisionTreeRegressor(min_samples_leaf=5, random_state=0).fit(x, d['y'], sample_weight=w).predict(q).tolist()
print(json.dumps([fit(None), fit(d['w'])]))`,
      { x: [...x], q: [...q], y: [...targets], w: [...weights] },
    );
    [undefined, weights].forEach((own, i) => {
      const { columns, tree } = grow(features, targets, own, { ...ALL, minLeaf: 5 });
      predict(columns, tree, queries).forEach((value, row) => expect(value).toBeCloseTo(oracle[i]![row]!, 5));
    });
  });
});
