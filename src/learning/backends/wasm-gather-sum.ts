import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { RowLists } from './row-lists';
import { heapOf } from './wasm-memory';

/** Name under which {@link registerGatherSumKernel} adds sums of listed rows to the WASM backend. */
export const GATHER_SUM_KERNEL = 'GatherSum';

/** Adds up listed rows of `x`, `width` values each, into `out`, which holds one row a list. */
export function gatherSumInto(
  x: Float32Array,
  width: number,
  { offsets, indices }: RowLists,
  out: Float32Array,
): void {
  for (let list = 0, to = 0; to < out.length; list++, to += width) {
    const end = offsets[list + 1]!;
    let at = offsets[list]!;
    if (at === end) {
      out.fill(0, to, to + width);
      continue;
    }
    const first = indices[at++]! * width;
    out.set(x.subarray(first, first + width), to);
    for (; at < end; at++) {
      const from = indices[at]! * width;
      for (let i = 0; i < width; i++) out[to + i]! += x[from + i]!;
    }
  }
}

/**
 * Adds to the WASM backend a kernel that gathers rows and sums them in one pass over its memory; TensorFlow.js has no
 * UnsortedSegmentSum there, and so no gradient of a gather. Input x: float32 [rows, columns]; attributes: {@link RowLists}.
 */
export function registerGatherSumKernel(): void {
  tf.registerKernel({
    kernelName: GATHER_SUM_KERNEL,
    backendName: 'wasm',
    kernelFunc({ inputs, backend, attrs }) {
      const wasm = backend as BackendWasm;
      const { x } = inputs as Record<'x', tf.TensorInfo>;
      const lists = attrs as unknown as RowLists;
      const [rows, width] = x.shape as [number, number];
      const lengths = [rows * width, (lists.offsets.length - 1) * width] as const;
      const out = wasm.makeOutput([lists.offsets.length - 1, width], 'float32');
      // Views are taken after the allocation, which may have moved the heap.
      const [from, to] = [x, out].map(
        (info, i) => new Float32Array(heapOf(wasm), wasm.getMemoryOffset(info.dataId), lengths[i]),
      ) as [Float32Array, Float32Array];
      gatherSumInto(from, width, lists, to);
      return out;
    },
  });
}
