import type { HeldOut, StandardLabels } from './hold-out';
import { sigmoid, softplus, type BatchLoss, type OutputPlace } from './loss';

/** How much a row of either class counts; their mean over the rows is 1. */
export interface ClassWeights {
  readonly positive: number;
  readonly negative: number;
  /** Added to a logit that was learnt under these weights, it gives the logit of the class as frequent as it is. */
  readonly logitShift: number;
}

/**
 * The rare class weighs more by the root of how much rarer it is (Mahajan et al., ECCV 2018, section 2.2, of resampling): enough for
 * it to be learnt first, and not so much that a batch with one of it outweighs all others. The likelihood's optimum under weights
 * is the true logit plus the logarithm of their ratio, so probabilities stay those of the data once the shift is taken back
 * (King and Zeng 2001, Political Analysis 9, 137).
 * @param values 0 and 1, NaN where not measured
 */
export function classWeights(values: Float64Array): ClassWeights {
  const positives = values.reduce((sum, value) => sum + Number(value === 1), 0);
  const negatives = values.reduce((sum, value) => sum + Number(value === 0), 0);
  if (positives === 0 || negatives === 0) return { positive: 1, negative: 1, logitShift: 0 };
  const ratio = Math.sqrt(negatives / positives);
  const unit = (positives + negatives) / (positives * ratio + negatives);
  return { positive: unit * ratio, negative: unit, logitShift: -Math.log(ratio) };
}

/** Negative log likelihood of a class, nats, of a logit. */
export const logLoss = (logit: number, isOne: boolean): number => softplus(isOne ? -logit : logit);

/**
 * Weighted cross-entropy of a batch. Held-out rows teach nothing; they say when to stop. Replicates do not count: they are what
 * made the class sure.
 * @returns plain log losses of the unweighted classes, nats
 */
export function classLoss(
  outputs: Float32Array,
  labels: StandardLabels,
  rows: ArrayLike<number>,
  heldOut: HeldOut,
  byOutput: Float32Array,
  { offset, stride, weight }: OutputPlace,
  { positive, negative, logitShift }: ClassWeights,
): BatchLoss {
  const loss = { training: 0, heldOut: 0 };
  const perRow = (weight * labels.values.length) / (heldOut.labels - heldOut.count) / rows.length;
  for (let i = 0; i < rows.length; i++) {
    const at = offset + stride * i;
    const value = labels.values[rows[i]!]!;
    byOutput[at] = 0;
    if (Number.isNaN(value)) continue;
    const isOne = value === 1;
    const held = heldOut.rows[rows[i]!] === 1;
    loss[held ? 'heldOut' : 'training'] += logLoss(outputs[at]! + logitShift, isOne);
    if (!held)
      byOutput[at] = perRow * (isOne ? positive : negative) * (sigmoid(outputs[at]!) - Number(isOne));
  }
  return loss;
}
