import { TitrateError } from '../../contracts';
import type { Random } from '../../foundation';
import { SplitFinder, type NodeRows, type Split } from './split';
import type { TrainingColumns } from './training-columns';
import { VaryingColumns } from './varying-columns';

/**
 * A tree in preorder: the left child of node i is node i + 1.
 * `columns[i]` is the column that node i asks for, -1 for a leaf; rows with a value up to `thresholds[i]` go left, the others to node
 * `rights[i]`. Of a leaf, `rights[i]` is its number among the leaves, and `values` has its value.
 */
export interface Tree {
  readonly columns: Int32Array;
  readonly thresholds: Float32Array;
  readonly rights: Int32Array;
  readonly values: Float32Array;
}

/** A tree that still knows its splits as bins of the training columns. */
export interface GrownTree extends Tree {
  readonly bins: Uint8Array;
  readonly depth: number;
}

export interface TreeSettings {
  /** Counted and real-valued columns tried at a node. */
  readonly countedTried: number;
  readonly realTried: number;
  /** Least rows of a leaf. */
  readonly minLeaf: number;
}

/** What a tree learns from; one entry a row of the training columns. */
export interface TreeTask {
  readonly targets: Float64Array;
  /** What a row counts in choosing splits, and in the value of its leaf. */
  readonly splitWeights: Float64Array;
  readonly leafWeights: Float64Array;
  /** Rows that the tree sees, each once; their weights are above 0. */
  readonly rows: Int32Array;
  /** Taken from the targets before they are summed: sums of squares lose what is common to all. */
  readonly centre: number;
}

/** Up to this many rows of a node, its varying columns are listed from the rows. */
const ENUMERATE_BELOW = 32;

/** Grows trees on one training set, one after the other, in the same scratch memory. */
export class TreeGrower {
  private readonly nodeOf: Int32Array;
  private readonly finder: SplitFinder;
  private readonly counted: Int32Array;
  private readonly real: Int32Array;
  private readonly varying: VaryingColumns;
  private readonly node: NodeRows;
  private readonly spare: Int32Array;

  constructor(
    private readonly training: TrainingColumns,
    private readonly settings: TreeSettings,
    private readonly cancelled: () => boolean = () => false,
  ) {
    const { rows, columns, counted } = training;
    this.nodeOf = new Int32Array(rows);
    this.finder = new SplitFinder(training, settings.minLeaf, this.nodeOf);
    this.counted = Int32Array.from({ length: counted }, (_, c) => c);
    this.real = Int32Array.from({ length: columns - counted }, (_, c) => counted + c);
    this.spare = new Int32Array(rows);
    this.varying = new VaryingColumns(training);
    this.node = {
      rows: new Int32Array(rows),
      weights: new Float64Array(rows),
      weighted: new Float64Array(rows),
      ...{ count: 0, weight: 0, total: 0, id: 0 },
    };
  }

  /**
   * A tree grown until its leaves are pure or hold fewer than twice `minLeaf` rows.
   * @throws cancelled
   */
  grow(task: TreeTask, random: Random): GrownTree {
    const { targets, leafWeights, centre } = task;
    const { training } = this;
    const order = task.rows.slice();
    const most = Math.max(1, 2 * order.length - 1);
    const columns = new Int32Array(most);
    const thresholds = new Float32Array(most);
    const rights = new Int32Array(most);
    const bins = new Uint8Array(most);
    const values = new Float32Array(order.length);
    this.prepare(task);
    let [nodes, leaves, deepest] = [0, 0, 0];
    const waiting: { from: number; to: number; parent: number; depth: number }[] = [
      { from: 0, to: order.length, parent: -1, depth: 0 },
    ];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (this.cancelled())
        throw new TitrateError('cancelled', { what: 'The training of a forest was cancelled' });
      const { from, to, parent, depth } = next;
      const id = nodes++;
      deepest = Math.max(deepest, depth);
      // A left child follows its parent; only right ones are pointed at.
      if (parent >= 0) rights[parent] = id;
      const pure = this.enter(task, order, from, to, id);
      const split = pure || to - from < 2 * this.settings.minLeaf ? null : this.chooseSplit(random);
      if (!split) {
        let [weight, total] = [0, 0];
        for (let i = from; i < to; i++) {
          const row = order[i]!;
          weight += leafWeights[row]!;
          total += leafWeights[row]! * (targets[row]! - centre);
        }
        columns[id] = -1;
        rights[id] = leaves;
        values[leaves++] = centre + total / weight;
        continue;
      }
      columns[id] = split.column;
      bins[id] = split.bin;
      thresholds[id] = thresholdOf(training, split);
      const middle = this.partition(order, from, to, split);
      waiting.push({ from: middle, to, parent: id, depth: depth + 1 });
      waiting.push({ from, to: middle, parent: -1, depth: depth + 1 });
    }
    return {
      columns: columns.slice(0, nodes),
      thresholds: thresholds.slice(0, nodes),
      rights: rights.slice(0, nodes),
      bins: bins.slice(0, nodes),
      values: values.slice(0, leaves),
      depth: deepest,
    };
  }

  private prepare({ targets, splitWeights, rows, centre }: TreeTask): void {
    this.nodeOf.fill(-1);
    this.finder.rowWeights = splitWeights;
    const weighted = new Float64Array(targets.length);
    for (const row of rows) weighted[row] = splitWeights[row]! * (targets[row]! - centre);
    this.finder.rowWeighted = weighted;
  }

  /** Gathers the rows of a node. @returns whether they all have one target */
  private enter({ targets }: TreeTask, order: Int32Array, from: number, to: number, id: number): boolean {
    const { node, finder, nodeOf } = this;
    const first = targets[order[from]!]!;
    let pure = true;
    let [weight, total] = [0, 0];
    for (let i = from, at = 0; i < to; i++, at++) {
      const row = order[i]!;
      nodeOf[row] = id;
      node.rows[at] = row;
      weight += node.weights[at] = finder.rowWeights[row]!;
      total += node.weighted[at] = finder.rowWeighted[row]!;
      if (targets[row] !== first) pure = false;
    }
    node.id = id;
    node.count = to - from;
    node.weight = weight;
    node.total = total;
    return pure;
  }

  private chooseSplit(random: Random): Split | null {
    const best: Split = { column: -1, bin: 0, next: 0, score: -Infinity };
    const { countedTried, realTried } = this.settings;
    if (this.node.count > ENUMERATE_BELOW) this.tryColumns(this.counted, countedTried, random, best);
    else this.tryVarying(random, best);
    this.tryColumns(this.real, realTried, random, best);
    return best.column >= 0 ? best : null;
  }

  /** Draws columns without replacement: `wanted` of them, and on until one has more than one value in the node. */
  private tryColumns(columns: Int32Array, wanted: number, random: Random, best: Split): void {
    let varying = 0;
    for (let i = 0; i < columns.length && (i < wanted || varying === 0); i++) {
      takeAnother(columns, i, columns.length, random);
      if (this.finder.consider(columns[i]!, this.node, best)) varying++;
    }
  }

  /**
   * The same as `tryColumns` of the counted columns, in distribution, without a look at those that are constant in the node, which are
   * nearly all where rows are few: it draws how many varying columns would have been met, then that many of them.
   */
  private tryVarying(random: Random, best: Split): void {
    const { varying } = this;
    const found = this.varying.find(this.node);
    let left = found;
    let unseen = this.counted.length;
    let met = 0;
    for (let i = 0; i < this.settings.countedTried && left > 0; i++, unseen--) {
      if (random.next() * unseen >= left) continue;
      left--;
      met++;
    }
    for (let i = 0; i < Math.min(found, Math.max(1, met)); i++) {
      takeAnother(varying.columns, i, found, random);
      this.finder.consider(varying.columns[i]!, this.node, best);
    }
  }

  /** Reorders a node's rows: left ones, then right ones, each in the order they had. @returns where the right ones start */
  private partition(order: Int32Array, from: number, to: number, { column, bin }: Split): number {
    const { training, spare } = this;
    const start = column * training.rows;
    let left = from;
    let right = 0;
    for (let i = from; i < to; i++) {
      const row = order[i]!;
      if (training.bins[start + row]! <= bin) order[left++] = row;
      else spare[right++] = row;
    }
    order.set(spare.subarray(0, right), left);
    return left;
  }
}

/** Puts one of columns[i] up to columns[end - 1] at place i. */
function takeAnother(columns: Int32Array, i: number, end: number, random: Random): void {
  const other = i + random.below(end - i);
  const column = columns[other]!;
  columns[other] = columns[i]!;
  columns[i] = column;
}

/** The middle between the greatest value on the left and the least one on the right, as float32. */
export function thresholdOf({ edges, low, high }: TrainingColumns, { column, bin, next }: Split): number {
  const below = high[edges[column]! + bin]!;
  const above = low[edges[column]! + next]!;
  const rounded = Math.fround((below + above) / 2);
  return rounded >= above ? below : rounded;
}

/** The leaf (its number) that a training row falls into. */
export function leafOfTrainingRow(tree: GrownTree, { bins, rows }: TrainingColumns, row: number): number {
  let node = 0;
  for (;;) {
    const column = tree.columns[node]!;
    if (column < 0) return tree.rights[node]!;
    node = bins[column * rows + row]! <= tree.bins[node]! ? node + 1 : tree.rights[node]!;
  }
}
