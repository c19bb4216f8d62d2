import { TitrateError, type FeatureMatrix, type LearningTask } from '../../contracts';
import { createRandom } from '../../foundation';
import { logit, sigmoid } from '../calibration';
import type { Prediction } from '../learning';
import { emptyPrediction } from '../prediction';
import { columnCount, rowEncoder, type ForestColumns } from './columns';
import { treeCount, type PackedTrees } from './packed-trees';
import { VOTE_SHARE, type ClassSpread, type RegressionSpread } from './spread';

/** A forest of one property: all that prediction needs. */
export interface Forest {
  readonly columns: ForestColumns;
  readonly task: LearningTask;
  readonly trees: PackedTrees;
  readonly spread: RegressionSpread | ClassSpread;
  readonly facts: Readonly<Record<string, number | string>>;
}

/** Values of encoded rows that stay in a core's cache while the trees pass by. */
const BLOCK_VALUES = 1 << 16;
const MOST_ROWS = 64;

/** Calls `take` for each row with the leaf it falls into in every tree (numbers over all trees). */
function eachRow(
  { columns, trees }: Forest,
  features: FeatureMatrix,
  cancelled: () => boolean,
  take: (row: number, leaves: Int32Array) => void,
): void {
  const encode = rowEncoder(columns, features);
  const width = columnCount(columns);
  const count = treeCount(trees);
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(BLOCK_VALUES / Math.max(1, width))));
  const values = new Float32Array(most * width);
  const leaves = new Int32Array(most * count);
  for (let from = 0; from < features.rows; from += most) {
    if (cancelled()) throw new TitrateError('cancelled', { what: 'the prediction was cancelled' });
    const rows = Math.min(most, features.rows - from);
    for (let i = 0; i < rows; i++) encode(from + i, values, i * width);
    for (let t = 0; t < count; t++) {
      const root = trees.nodeStarts[t]!;
      const firstLeaf = trees.leafStarts[t]!;
      for (let i = 0; i < rows; i++) {
        const at = i * width;
        let node = root;
        for (let column = trees.columns[node]!; column >= 0; column = trees.columns[node]!)
          node = values[at + column]! <= trees.thresholds[node]! ? node + 1 : root + trees.rights[node]!;
        leaves[i * count + t] = firstLeaf + trees.rights[node]!;
      }
    }
    for (let i = 0; i < rows; i++) take(from + i, leaves.subarray(i * count, (i + 1) * count));
  }
}

interface RowMoments {
  readonly mean: number;
  readonly aleatoric: number;
  readonly epistemic: number;
}

/**
 * What the trees say of one row.
 * @param deviations filled with the trees' departures from the mean, scaled so that their squares sum to epistemic^2, and the products
 * of two rows' to the covariance
 */
function momentsOf({ trees, spread }: Forest, leaves: Int32Array, deviations: Float64Array): RowMoments {
  const count = leaves.length;
  let total = 0;
  for (let t = 0; t < count; t++) total += trees.values[leaves[t]!]!;
  const mean = total / count;
  const unit = 1 / Math.sqrt(Math.max(1, count - 1));
  let variance = 0;
  for (let t = 0; t < count; t++) {
    deviations[t] = (trees.values[leaves[t]!]! - mean) * unit;
    variance += deviations[t]! ** 2;
  }
  const scaleTo = (factor: number) => {
    let sum = 0;
    for (let t = 0; t < count; t++) {
      deviations[t]! *= factor;
      sum += deviations[t]! ** 2;
    }
    return sum;
  };
  if ('prior' in spread) {
    const { prior, positives, slope, intercept } = spread;
    const vote = (1 - prior) * mean + prior * positives;
    const probability = sigmoid(slope * logit(vote) + intercept);
    const most = probability * (1 - probability);
    // The map's slope there (delta method), and at most the whole deviation of the label.
    const steepness =
      (slope * most * (1 - prior) * VOTE_SHARE) / Math.max(Number.MIN_VALUE, vote * (1 - vote));
    const factor = Math.min(steepness, Math.sqrt(most / Math.max(Number.MIN_VALUE, variance)));
    const own = Math.min(most, scaleTo(factor));
    return { mean: probability, aleatoric: Math.sqrt(most - own), epistemic: Math.sqrt(own) };
  }
  let errors = 0;
  let errorCount = 0;
  for (let t = 0; t < count; t++) {
    errors += trees.errors[leaves[t]!]!;
    errorCount += trees.errorCounts[leaves[t]!]!;
  }
  const near = errorCount > 0 ? errors / errorCount : spread.overall;
  return {
    mean,
    aleatoric: Math.sqrt(Math.max(spread.least, spread.error * near)),
    epistemic: Math.sqrt(scaleTo(Math.sqrt(spread.disagreement))),
  };
}

/** @throws config-invalid for other features than the forest's; numerical; cancelled */
export function predictRows(forest: Forest, features: FeatureMatrix, cancelled: () => boolean): Prediction {
  const out = emptyPrediction(features.rows);
  const deviations = new Float64Array(treeCount(forest.trees));
  eachRow(forest, features, cancelled, (row, leaves) => {
    const { mean, aleatoric, epistemic } = momentsOf(forest, leaves, deviations);
    out.mean[row] = mean;
    out.aleatoric[row] = aleatoric;
    out.epistemic[row] = epistemic;
  });
  return out;
}

/** Sample covariance over the trees, scaled as `epistemic` is: rows x rows, rank at most trees - 1. */
export function rowCovariance(
  forest: Forest,
  features: FeatureMatrix,
  cancelled: () => boolean,
): Float64Array {
  const { rows } = features;
  const count = treeCount(forest.trees);
  const deviations = new Float64Array(rows * count);
  eachRow(forest, features, cancelled, (row, leaves) => {
    momentsOf(forest, leaves, deviations.subarray(row * count, (row + 1) * count));
  });
  const covariance = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    if (cancelled()) throw new TitrateError('cancelled', { what: 'the covariance was cancelled' });
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = 0; t < count; t++) sum += deviations[i * count + t]! * deviations[j * count + t]!;
      covariance[i * rows + j] = sum;
      covariance[j * rows + i] = sum;
    }
  }
  return covariance;
}

/**
 * Draw k is mean + sum over trees of w_kt d_t, with w standard normal and d the scaled departures: Gaussian, with the covariance of
 * `rowCovariance`. A drawn probability may lie a little outside of 0 and 1.
 */
export function sampleRows(
  forest: Forest,
  features: FeatureMatrix,
  { count, seed }: { count: number; seed: number },
  cancelled: () => boolean,
): Float64Array[] {
  const trees = treeCount(forest.trees);
  const random = createRandom(seed);
  const weights = Array.from({ length: count }, () =>
    Float64Array.from({ length: trees }, () => random.normal()),
  );
  const draws = weights.map(() => new Float64Array(features.rows));
  const deviations = new Float64Array(trees);
  eachRow(forest, features, cancelled, (row, leaves) => {
    const { mean } = momentsOf(forest, leaves, deviations);
    weights.forEach((weight, k) => {
      let sum = mean;
      for (let t = 0; t < trees; t++) sum += weight[t]! * deviations[t]!;
      draws[k]![row] = sum;
    });
  });
  return draws;
}
