import * as tf from '@tensorflow/tfjs';
import { nativeCpu } from './native';
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
  const [indices, segments] = [lists.indices, listOf].map((values) => tf.tensor1d(values, 'int32')) as [
    tf.Tensor1D,
    tf.Tensor1D,
  ];
  const native = nativeCpu();
  if (!native) return tf.unsortedSegmentSum(tf.gather(x, indices), segments, rows);
  const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = native.binding;
  const integers = ['Tidx', 'Tnumsegments', 'Tsegmentids'].map((name) => ({ name, type, value: TF_INT32 }));
  return native.executeSingleOutput(
    'SparseSegmentSumWithNumSegments',
    [{ name: 'T', type, value: TF_FLOAT }, ...integers],
    [x, indices, segments, tf.scalar(rows, 'int32')],
  ) as tf.Tensor2D;
}
