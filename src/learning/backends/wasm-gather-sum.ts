import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { EMPTY, functionModule, I32, OP, signedLeb, simd } from '../wasm-module';
import type { RowLists } from './row-lists';
import { heapOf, instantiateBeside } from './wasm-memory';

/** Name under which {@link registerGatherSumKernel} adds sums of listed rows to the WASM backend. */
export const GATHER_SUM_KERNEL = 'GatherSum';

const VALUE = 4;
const LANES = 4;

/** Adds values to others, up to `toEnd`, which is a multiple of four values after `to`; bytes. */
type AddRow = (from: number, to: number, toEnd: number) => void;

/** The module of one function {@link AddRow}; core specification 2.0, section 5.4. */
function assemble(): Uint8Array<ArrayBuffer> {
  const [from, to, toEnd] = [0, 1, 2];
  const load = [...simd(0), 2, 0];
  const store = [...simd(11), 2, 0];
  const next = (local: number) => [OP.get, local, OP.i32Const, ...signedLeb(LANES * VALUE), OP.i32Add];
  return functionModule({
    parameters: [I32, I32, I32],
    memory: ['tfjs', 'memory'],
    exported: 'addRow',
    locals: [],
    body: [
      ...[OP.loop, EMPTY],
      ...[OP.get, to, OP.get, to, ...load, OP.get, from, ...load, ...simd(228), ...store],
      ...[...next(from), OP.set, from],
      ...[...next(to), OP.tee, to, OP.get, toEnd, OP.i32LtU, OP.brIf, 0],
      ...[OP.end, OP.end],
    ],
  });
}

/**
 * Adds up listed rows of `width` values, which start `from` values into the heap, in the order of each list, into one row a list from
 * `to` on.
 */
function gatherSumInto(
  heap: Float32Array,
  [from, to]: readonly [number, number],
  width: number,
  { offsets, indices }: RowLists,
  addRow?: AddRow,
): void {
  const whole = addRow ? width - (width % LANES) : 0;
  for (let list = 0, row = to; list + 1 < offsets.length; list++, row += width) {
    const end = offsets[list + 1]!;
    let at = offsets[list]!;
    if (at === end) {
      heap.fill(0, row, row + width);
      continue;
    }
    const first = from + indices[at++]! * width;
    heap.copyWithin(row, first, first + width);
    for (; at < end; at++) {
      const other = from + indices[at]! * width;
      if (whole > 0) addRow!(other * VALUE, row * VALUE, (row + whole) * VALUE);
      for (let i = whole; i < width; i++) heap[row + i]! += heap[other + i]!;
    }
  }
}

/**
 * Adds to the WASM backend a kernel that gathers rows and sums them in one pass over its memory; TensorFlow.js has no
 * UnsortedSegmentSum there, and so no gradient of a gather. Input x: float32 [rows, columns]; attributes: {@link RowLists}.
 * @param vectors whether there is SIMD to add with; the bits are the same without
 */
export function registerGatherSumKernel(started: BackendWasm, vectors: boolean): void {
  const addRow = vectors ? (instantiateBeside(started, assemble()).addRow as AddRow) : undefined;
  tf.registerKernel({
    kernelName: GATHER_SUM_KERNEL,
    backendName: 'wasm',
    kernelFunc({ inputs, backend, attrs }) {
      const wasm = backend as BackendWasm;
      const { x } = inputs as Record<'x', tf.TensorInfo>;
      const lists = attrs as unknown as RowLists;
      const width = x.shape[1]!;
      const out = wasm.makeOutput([lists.offsets.length - 1, width], 'float32');
      const at = (info: tf.TensorInfo) => wasm.getMemoryOffset(info.dataId) / VALUE;
      // A view is taken after the allocation, which may have moved the heap.
      gatherSumInto(new Float32Array(heapOf(wasm)), [at(x), at(out)], width, lists, addRow);
      return out;
    },
  });
}
