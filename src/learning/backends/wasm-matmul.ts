import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf, instantiateBeside } from './wasm-memory';
import { multiply, scratchSize, type Product } from './wasm-product';
import { tileModule, type TileFunctions } from './wasm-tiles';

type Kernel = (args: {
  inputs: tf.NamedTensorInfoMap;
  backend: unknown;
  attrs?: tf.NamedAttrMap;
}) => tf.TensorInfo | tf.TensorInfo[];

interface Attributes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly activation?: string | null;
}

const isMatrix = (x: tf.TensorInfo) =>
  x.dtype === 'float32' && x.shape.length >= 2 && x.shape.slice(0, -2).every((size) => size === 1);

/**
 * Replaces the WASM backend's BatchMatMul and _FusedMatMul: its own multiply at 0.5 GFLOP/s where a factor is transposed, as in every
 * product of a backward pass, and at half the speed of these where none is, because they pack the right factor value by value. Products
 * of two matrices, with a bias and a rectifier or without, are rerouted; anything else goes to the original kernel. Needs SIMD. Call once,
 * after the backend has started.
 */
export function registerMatMulKernels(started: BackendWasm): void {
  const functions = instantiateBeside(started, tileModule()) as unknown as TileFunctions;
  for (const kernelName of ['BatchMatMul', '_FusedMatMul']) {
    const original = tf.getKernel(kernelName, 'wasm');
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      ...original,
      kernelFunc: rerouting(functions, original.kernelFunc as unknown as Kernel) as unknown as tf.KernelFunc,
    });
  }
}

function rerouting(functions: TileFunctions, original: Kernel): Kernel {
  return (args) => {
    const { a, b, bias, preluActivationWeights } = args.inputs as Record<string, tf.TensorInfo | undefined>;
    const { transposeA = false, transposeB = false, activation } = (args.attrs ?? {}) as Attributes;
    if (!a || !b || !isMatrix(a) || !isMatrix(b) || preluActivationWeights) return original(args);
    const [left, right] = [a.shape.slice(-2), b.shape.slice(-2)] as [[number, number], [number, number]];
    const [steps, rows] = transposeA ? left : [left[1], left[0]];
    const columns = right[transposeB ? 0 : 1];
    const plain = [undefined, null, 'linear', 'relu'].includes(activation);
    const biased = !bias || (bias.dtype === 'float32' && tf.util.sizeFromShape(bias.shape) === columns);
    if (!plain || !biased || rows * columns * steps === 0) return original(args);

    const backend = args.backend as BackendWasm;
    const out = backend.makeOutput([...a.shape.slice(0, -2), rows, columns], 'float32');
    const at = (info: tf.TensorInfo) => backend.getMemoryOffset(info.dataId);
    const product: Product = {
      ...{ rows, columns, steps },
      left: { at: at(a), lane: transposeA ? 1 : steps, step: transposeA ? rows : 1 },
      right: { at: at(b), lane: transposeB ? steps : 1, step: transposeB ? 1 : columns },
      to: at(out),
      adds: bias !== undefined,
      rectified: activation === 'relu',
    };
    const scratch = backend.makeOutput([scratchSize(product)], 'float32');
    // A view is taken after the allocations, which may have moved the heap.
    const heap = new Float32Array(heapOf(backend));
    if (bias) repeat(heap, at(bias), product);
    multiply(functions, heap, product, at(scratch));
    backend.disposeData(scratch.dataId);
    return out;
  };
}

/** Fills the product's place with the bias, row by row. */
function repeat(heap: Float32Array, bias: number, { to, rows, columns }: Product): void {
  const [from, start] = [bias / VALUE, to / VALUE];
  for (let row = 0; row < rows; row++) heap.copyWithin(start + row * columns, from, from + columns);
}

/** Bytes of a float32. */
const VALUE = 4;
