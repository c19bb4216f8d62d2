import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf } from './wasm-memory';

/**
 * The WASM backend multiplies at 20 GFLOP/s as long as neither factor is transposed, and at 0.5 otherwise, which is every
 * product of a backward pass. These kernels write the transpose out first and call the fast product.
 * Rank-2 products (batch of one) are rerouted; anything else goes to the original kernel.
 */
type Kernel = (args: {
  inputs: tf.NamedTensorInfoMap;
  backend: unknown;
  attrs?: tf.NamedAttrMap;
}) => tf.TensorInfo | tf.TensorInfo[];

/** Side of the square tiles: 16 x 16 floats are 16 cache lines on either side. */
const TILE = 16;

/** Transposes `rows` x `columns` from one typed array to another, tile by tile. Integers move the same bits faster than floats. */
export function transposeInto(source: Int32Array, target: Int32Array, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(rows, top + TILE);
    for (let left = 0; left < columns; left += TILE) {
      const right = Math.min(columns, left + TILE);
      for (let column = left; column < right; column++) {
        let to = column * rows + top;
        let from = top * columns + column;
        for (let row = top; row < bottom; row++, to++, from += columns) target[to] = source[from]!;
      }
    }
  }
}

/** [rows, columns] → [columns, rows], a new tensor on the WASM heap. */
function transposed(backend: BackendWasm, x: tf.TensorInfo, rows: number, columns: number): tf.TensorInfo {
  const out = backend.makeOutput([columns, rows], 'float32');
  // Views are taken after the allocation, which may have moved the heap.
  const view = (info: tf.TensorInfo) =>
    new Int32Array(heapOf(backend), backend.getMemoryOffset(info.dataId), rows * columns);
  transposeInto(view(x), view(out), rows, columns);
  return out;
}

const isMatrix = (x: tf.TensorInfo) =>
  x.dtype === 'float32' && x.shape.slice(0, -2).every((size) => size === 1);
const matrixOf = (x: tf.TensorInfo): tf.TensorInfo => ({ ...x, shape: x.shape.slice(-2) });

/** Replaces the WASM backend's BatchMatMul and _FusedMatMul. Call once, after the backend has started. */
export function registerMatMulKernels(): void {
  for (const kernelName of ['BatchMatMul', '_FusedMatMul']) {
    const original = tf.getKernel(kernelName, 'wasm');
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      ...original,
      kernelFunc: untransposing(original.kernelFunc as unknown as Kernel) as unknown as tf.KernelFunc,
    });
  }
}

function untransposing(original: Kernel): Kernel {
  return (args) => {
    const { a: left, b: right } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const attrs = (args.attrs ?? {}) as { transposeA?: boolean; transposeB?: boolean };
    if (!(attrs.transposeA || attrs.transposeB) || !isMatrix(left) || !isMatrix(right)) return original(args);
    const backend = args.backend as BackendWasm;
    const made: tf.TensorInfo[] = [];
    const turn = (x: tf.TensorInfo) => {
      const out = transposed(backend, x, x.shape[0]!, x.shape[1]!);
      made.push(out);
      return out;
    };
    const multiply = (a: tf.TensorInfo, b: tf.TensorInfo) =>
      original({
        ...args,
        inputs: { ...args.inputs, a: asBatch(a), b: asBatch(b) },
        attrs: { ...args.attrs, transposeA: false, transposeB: false },
      }) as tf.TensorInfo;
    const a = matrixOf(left);
    const b = matrixOf(right);
    const rows = attrs.transposeA ? a.shape[1]! : a.shape[0]!;
    const columns = attrs.transposeB ? b.shape[0]! : b.shape[1]!;
    const shape = [...left.shape.slice(0, -2), rows, columns];
    try {
      const plain = !args.inputs.bias && !args.inputs.preluActivationWeights && !args.attrs?.activation;
      const aSize = a.shape[0]! * a.shape[1]!;
      const bSize = b.shape[0]! * b.shape[1]!;
      if (attrs.transposeB && !attrs.transposeA && plain && aSize + rows * columns < bSize) {
        // a bᵀ = (b aᵀ)ᵀ: two small transposes instead of one of a large weight matrix.
        const product = multiply(b, turn(a));
        made.push(product);
        return { ...transposed(backend, product, columns, rows), shape };
      }
      return { ...multiply(attrs.transposeA ? turn(a) : a, attrs.transposeB ? turn(b) : b), shape };
    } finally {
      for (const info of made) backend.disposeData(info.dataId);
    }
  };
}

/** The fused kernel reads rank-3 shapes. */
function asBatch(x: tf.TensorInfo): tf.TensorInfo {
  return { ...x, shape: [1, ...x.shape.slice(-2)] };
}
