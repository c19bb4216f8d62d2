import { MAX_BINS, type TrainingColumns } from './training-columns';

/** Rows of a node, gathered side by side; entries [0, count). */
export interface NodeRows {
  readonly rows: Int32Array;
  readonly weights: Float64Array;
  /** Weight times target. */
  readonly weighted: Float64Array;
  count: number;
  weight: number;
  total: number;
  /** Number of the node; `nodeOf` has it for these rows and no others. */
  id: number;
}

/** A way to divide a node: bins up to `bin` go left, those from `next` on right. */
export interface Split {
  column: number;
  bin: number;
  next: number;
  /** Sum over both sides of (weight times target)^2 / weight: the greater, the less squared error is left. */
  score: number;
}

/** With fewer rows than this a real column is sorted; else its bins are filled. */
const SORT_BELOW = 48;

/**
 * Finds the best split of a column by squared error. Of classes 0 and 1 that is Gini's criterion: with weights, p (1 - p) is the variance of
 * the class. A column whose occupied bins are fewer than the node's rows is read by these alone.
 */
export class SplitFinder {
  private readonly weights = new Float64Array(MAX_BINS);
  private readonly weighted = new Float64Array(MAX_BINS);
  private readonly counts = new Int32Array(MAX_BINS);
  private readonly order = new Int32Array(SORT_BELOW);
  private readonly keys = new Uint8Array(SORT_BELOW);
  /** Weight, and weight times target, of each row of the training set: those of the tree that is growing. */
  rowWeights: Float64Array = new Float64Array(0);
  rowWeighted: Float64Array = new Float64Array(0);

  /** @param nodeOf node that each row of the training set is in */
  constructor(
    private readonly training: TrainingColumns,
    private readonly minLeaf: number,
    private readonly nodeOf: Int32Array,
  ) {}

  /**
   * Puts the column's best split into `best` if it beats what stands there.
   * @returns whether the column has more than one value in the node
   */
  consider(column: number, node: NodeRows, best: Split): boolean {
    const { training } = this;
    if (column >= training.counted) {
      return node.count < SORT_BELOW
        ? this.considerSorted(column, node, best)
        : this.scan(column, node, best, this.fill(column, node));
    }
    const { starts } = training.byColumn;
    const entries = starts[column + 1]! - starts[column]!;
    const top = entries < node.count ? this.fillSparse(column, node) : this.fill(column, node);
    return this.scan(column, node, best, top);
  }

  /** @returns the highest bin filled */
  private fill(column: number, { rows, weights, weighted, count }: NodeRows): number {
    const { bins, rows: all } = this.training;
    const from = column * all;
    let top = 0;
    for (let i = 0; i < count; i++) {
      const bin = bins[from + rows[i]!]!;
      this.weights[bin]! += weights[i]!;
      this.weighted[bin]! += weighted[i]!;
      this.counts[bin]!++;
      if (bin > top) top = bin;
    }
    return top;
  }

  private fillSparse(column: number, node: NodeRows): number {
    const { starts, places, bins } = this.training.byColumn;
    const { id } = node;
    let top = 0;
    let count = 0;
    let weight = 0;
    let total = 0;
    for (let at = starts[column]!; at < starts[column + 1]!; at++) {
      const row = places[at]!;
      if (this.nodeOf[row] !== id) continue;
      const bin = bins[at]!;
      const w = this.rowWeights[row]!;
      const wy = this.rowWeighted[row]!;
      this.weights[bin]! += w;
      this.weighted[bin]! += wy;
      this.counts[bin]!++;
      weight += w;
      total += wy;
      count++;
      if (bin > top) top = bin;
    }
    this.weights[0] = node.weight - weight;
    this.weighted[0] = node.total - total;
    this.counts[0] = node.count - count;
    return top;
  }

  /** Looks between every two bins that hold rows, and leaves the bins empty. */
  private scan(column: number, node: NodeRows, best: Split, top: number): boolean {
    const { minLeaf } = this;
    let count = 0;
    let weight = 0;
    let total = 0;
    let last = -1;
    let varies = false;
    for (let bin = 0; bin <= top; bin++) {
      const here = this.counts[bin]!;
      if (here === 0) continue;
      if (last >= 0) {
        varies = true;
        if (count >= minLeaf && node.count - count >= minLeaf) {
          const rest = node.total - total;
          const score = (total * total) / weight + (rest * rest) / (node.weight - weight);
          if (score > best.score) {
            best.column = column;
            best.bin = last;
            best.next = bin;
            best.score = score;
          }
        }
      }
      count += here;
      weight += this.weights[bin]!;
      total += this.weighted[bin]!;
      last = bin;
      this.counts[bin] = 0;
      this.weights[bin] = 0;
      this.weighted[bin] = 0;
    }
    return varies;
  }

  private considerSorted(column: number, node: NodeRows, best: Split): boolean {
    const { bins, rows: all } = this.training;
    const { keys, order, minLeaf } = this;
    const { rows, weights, weighted, count: n } = node;
    const from = column * all;
    for (let i = 0; i < n; i++) {
      const key = bins[from + rows[i]!]!;
      let at = i;
      for (; at > 0 && keys[at - 1]! > key; at--) {
        keys[at] = keys[at - 1]!;
        order[at] = order[at - 1]!;
      }
      keys[at] = key;
      order[at] = i;
    }
    if (keys[0] === keys[n - 1]) return false;
    let weight = 0;
    let total = 0;
    for (let i = 1; i < n; i++) {
      weight += weights[order[i - 1]!]!;
      total += weighted[order[i - 1]!]!;
      if (keys[i] === keys[i - 1] || i < minLeaf || n - i < minLeaf) continue;
      const rest = node.total - total;
      const score = (total * total) / weight + (rest * rest) / (node.weight - weight);
      if (score <= best.score) continue;
      best.column = column;
      best.bin = keys[i - 1]!;
      best.next = keys[i]!;
      best.score = score;
    }
    return true;
  }
}
