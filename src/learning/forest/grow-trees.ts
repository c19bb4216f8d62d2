import { createRandom, deriveSeed, type Random } from '../../foundation';
import { leafOfTrainingRow, TreeGrower, type Tree, type TreeSettings } from './grow-tree';
import type { TrainingColumns } from './training-columns';

/** Labels that a forest learns, one entry a row of the training columns. */
export interface ForestLabels {
  /** What is fitted; any number where `use` is not 1. */
  readonly targets: Float64Array;
  /** What a row counts in choosing splits, and in the value of its leaf. */
  readonly splitWeights: Float64Array;
  readonly leafWeights: Float64Array;
  /** 1: trees are grown on it. 0: it is only predicted. */
  readonly use: Uint8Array;
}

/** Trees `first` up to `end` of a forest. */
export interface GrowTask {
  readonly training: TrainingColumns;
  readonly labels: ForestLabels;
  readonly settings: TreeSettings;
  readonly seed: number;
  readonly first: number;
  readonly end: number;
}

/** Trees, and where the rows that they did not see fell. */
export interface GrownTrees {
  readonly trees: readonly Tree[];
  /** Of each tree: the rows it did not see, ascending, and the leaf of each. */
  readonly outside: readonly { readonly rows: Int32Array; readonly leaves: Int32Array }[];
  readonly depth: number;
}

/**
 * Grows trees on bootstrap samples of the rows in use (Breiman 2001, Machine Learning 45, 5): as many draws as rows, with replacement. A
 * tree depends on the seed and its number, and on nothing else.
 * @throws cancelled
 */
export function growTrees(task: GrowTask, cancelled?: () => boolean): GrownTrees {
  const { training, labels, settings, seed, first, end } = task;
  const { targets, use } = labels;
  const usable = Int32Array.from([...use.keys()].filter((row) => use[row] === 1));
  const centre = usable.reduce((sum, row) => sum + targets[row]! / usable.length, 0);
  const grower = new TreeGrower(training, settings, cancelled);
  const trees: Tree[] = [];
  const outside: { rows: Int32Array; leaves: Int32Array }[] = [];
  let deepest = 0;
  for (let tree = first; tree < end; tree++) {
    const random = createRandom(deriveSeed(seed, 'tree', tree));
    const drawn = bootstrap(usable, training.rows, random);
    const weigh = (weights: Float64Array) => weights.map((weight, row) => weight * drawn[row]!);
    const grown = grower.grow(
      {
        targets,
        centre,
        splitWeights: weigh(labels.splitWeights),
        leafWeights: weigh(labels.leafWeights),
        rows: usable.filter((row) => drawn[row]! > 0),
      },
      random,
    );
    const unseen = Int32Array.from([...drawn.keys()].filter((row) => drawn[row] === 0));
    outside.push({ rows: unseen, leaves: unseen.map((row) => leafOfTrainingRow(grown, training, row)) });
    const { columns, thresholds, rights, values, depth } = grown;
    trees.push({ columns, thresholds, rights, values });
    deepest = Math.max(deepest, depth);
  }
  return { trees, outside, depth: deepest };
}

function bootstrap(usable: Int32Array, rows: number, random: Random): Int32Array {
  const drawn = new Int32Array(rows);
  for (let i = 0; i < usable.length; i++) drawn[usable[random.below(usable.length)]!]!++;
  return drawn;
}
