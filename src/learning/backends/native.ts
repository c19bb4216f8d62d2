import * as tf from '@tensorflow/tfjs';

/** Raise when what runs on native TensorFlow changes so that results may differ in a bit. */
export const NATIVE_REVISION = 2;

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The part of the native package's backend that is used here; the package is optional, so its own types are not. */
export interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: {
    readonly TF_Version: string;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_STRING: number;
    readonly TF_ATTR_SHAPE: number;
    readonly TF_FLOAT: number;
    readonly TF_INT32: number;
  };
  executeSingleOutput(operation: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    operation: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** The native backend if it is the current one and computes on the processor; operations of TensorFlow's own are tested there. */
export function nativeCpu(): NativeBackend | null {
  if (tf.getBackend() !== 'tensorflow') return null;
  const backend = tf.backend() as unknown as NativeBackend;
  return backend.isUsingGpuDevice ? null : backend;
}

/**
 * Adds to the native backend the sum of chosen rows, which TensorFlow has and tfjs-node 4.22 does not reach. Without it sparse
 * flags go through a dense product.
 */
export function registerSparseSegmentSum(): void {
  if (tf.getKernel('SparseSegmentSum', 'tensorflow')) return;
  tf.registerKernel({
    kernelName: 'SparseSegmentSum',
    backendName: 'tensorflow',
    kernelFunc({ inputs, backend }) {
      const native = backend as NativeBackend;
      const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = native.binding;
      const { data, indices, segmentIds } = inputs as Record<
        'data' | 'indices' | 'segmentIds',
        tf.TensorInfo
      >;
      return native.executeSingleOutput(
        'SparseSegmentSum',
        [
          { name: 'T', type, value: TF_FLOAT },
          { name: 'Tidx', type, value: TF_INT32 },
          { name: 'Tsegmentids', type, value: TF_INT32 },
        ],
        [data, indices, segmentIds],
      );
    },
  });
}
