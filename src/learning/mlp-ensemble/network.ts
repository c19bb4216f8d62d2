import * as tf from '@tensorflow/tfjs';
import { reluGradient } from '../backends/relu-gradient';
import { byColumn, type Batch } from './inputs';

/** A batch on the backend. Dispose it. */
export interface BatchTensors {
  readonly batch: Batch;
  /** The flags and the bias: their entries where the backend can sum kernel rows, else a matrix of zeros and ones. */
  readonly flags: { readonly columnOf: tf.Tensor1D; readonly rowOf: tf.Tensor1D } | tf.Tensor2D;
  readonly dense: tf.Tensor2D | null;
}

/** @param columns sparse inputs and the bias */
export function batchTensors(batch: Batch, columns: number): BatchTensors {
  const width = batch.dense.length / batch.rows;
  const { columnOf, rowOf } = batch;
  // Native TensorFlow on a GPU has no SparseSegmentSum (tfjs-node 4.22), and a fast dense product.
  const canSumRows = tf.getKernel('SparseSegmentSum', tf.getBackend()) !== undefined;
  return {
    batch,
    flags: canSumRows
      ? { columnOf: tf.tensor1d(columnOf, 'int32'), rowOf: tf.tensor1d(rowOf, 'int32') }
      : tf.tensor2d(zerosAndOnes(batch, columns), [batch.rows, columns]),
    dense: width > 0 ? tf.tensor2d(batch.dense, [batch.rows, width]) : null,
  };
}

function zerosAndOnes({ rows, columnOf, rowOf }: Batch, columns: number): Float32Array {
  const matrix = new Float32Array(rows * columns);
  for (let i = 0; i < columnOf.length; i++) matrix[rowOf[i]! * columns + columnOf[i]!] = 1;
  return matrix;
}

/** The batch's matrix of flags times the first layer's kernel. The bias entry ends every row, so no row is empty. */
function flagsTimes({ flags }: BatchTensors, kernel: tf.Tensor2D): tf.Tensor2D {
  if (flags instanceof tf.Tensor) return tf.matMul(flags, kernel);
  return tf.sparse.sparseSegmentSum(kernel, flags.columnOf, flags.rowOf) as tf.Tensor2D;
}

/** The transposed matrix of flags times `back`. The bias is the last column and never empty, so the sum has all columns. */
function transposedFlagsTimes(
  { flags, batch }: BatchTensors,
  back: tf.Tensor2D,
  columns: number,
): tf.Tensor2D {
  if (flags instanceof tf.Tensor) return tf.matMul(flags, back, true, false);
  const sorted = byColumn(batch, columns);
  const rowOf = tf.tensor1d(sorted.rowOf, 'int32');
  return tf.sparse.sparseSegmentSum(back, rowOf, tf.tensor1d(sorted.columnOf, 'int32')) as tf.Tensor2D;
}

/** Draws for dropout: what each hidden unit of each row is multiplied by, [batch, units] for each hidden layer. */
export type Masks = readonly tf.Tensor2D[];

/** Activations of a forward pass, as the backward pass needs them. */
export interface Pass {
  /** After rectifier and dropout, one a hidden layer, [batch, units]. */
  readonly activations: tf.Tensor2D[];
  /** [batch, outputs] */
  readonly outputs: tf.Tensor2D;
}

/** Runs inside a tidy of the caller; the batch and the masks outlive it. */
export function forward(parameters: readonly tf.Tensor[], input: BatchTensors, masks?: Masks): Pass {
  let next = 0;
  const take = () => parameters[next++] as tf.Tensor2D;
  let x = flagsTimes(input, take());
  if (input.dense) x = tf.add(x, tf.matMul(input.dense, take(), false, true));
  const activations: tf.Tensor2D[] = [];
  let rectified = false;
  while (next < parameters.length) {
    let active = rectified ? x : tf.relu(x);
    const mask = masks?.[activations.length];
    if (mask) active = tf.mul(active, mask);
    activations.push(active);
    const last = next + 2 === parameters.length;
    const kernel = take();
    x = tf.fused.matMul({
      a: active,
      b: kernel,
      bias: take(),
      activation: last ? 'linear' : 'relu',
    }) as tf.Tensor2D;
    rectified = true;
  }
  return { activations, outputs: x };
}

/**
 * Gradients by every parameter, in their order, from the gradient by the outputs. The loss is computed outside of
 * TensorFlow.js (in float64, where a censored likelihood is safe), so the chain is walked here.
 * @param byOutputs [batch, outputs]
 */
export function backward(
  parameters: readonly tf.Tensor[],
  input: BatchTensors,
  pass: Pass,
  byOutputs: tf.Tensor2D,
  masks?: Masks,
): tf.Tensor[] {
  const gradients: tf.Tensor[] = [];
  const ones = tf.ones([1, input.batch.rows]) as tf.Tensor2D;
  let back = byOutputs;
  for (let layer = pass.activations.length - 1; layer >= 0; layer--) {
    const active = pass.activations[layer]!;
    const kernel = parameters[parameters.length - 2 * (pass.activations.length - layer)] as tf.Tensor2D;
    // A product with ones sums the columns faster than a reduction does.
    gradients.unshift(tf.matMul(active, back, true, false), tf.reshape(tf.matMul(ones, back), [-1]));
    back = reluGradient(tf.matMul(back, kernel, false, true), active);
    if (masks) back = tf.mul(back, masks[layer]!);
  }
  if (input.dense) gradients.unshift(tf.matMul(back, input.dense, true, false));
  gradients.unshift(transposedFlagsTimes(input, back, parameters[0]!.shape[0]!));
  return gradients;
}
