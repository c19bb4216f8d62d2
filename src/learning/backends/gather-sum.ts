import * as tf from '@tensorflow/tfjs';
import type { RowLists } from './row-lists';
import { GATHER_SUM_KERNEL } from './wasm-gather-sum';

/** Sums rows of `x` by lists, [lists, columns]; the sum of an empty list is 0. Rows are added in the order of their list. */
export function gatherSum(x: tf.Tensor2D, lists: RowLists): tf.Tensor2D {
  if (tf.getKernel(GATHER_SUM_KERNEL, tf.getBackend()))
    return tf
      .engine()
      .runKernel(GATHER_SUM_KERNEL, { x }, { ...lists } as unknown as tf.NamedAttrMap) as tf.Tensor2D;
  const rows = lists.offsets.length - 1;
  if (lists.indices.length === 0) return tf.zeros([rows, x.shape[1]]);
  const listOf = new Int32Array(lists.indices.length);
  for (let list = 0; list < rows; list++) listOf.fill(list, lists.offsets[list], lists.offsets[list + 1]);
  const gathered = tf.gather(x, tf.tensor1d(lists.indices, 'int32'));
  return tf.unsortedSegmentSum(gathered, tf.tensor1d(listOf, 'int32'), rows);
}
