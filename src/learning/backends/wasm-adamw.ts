import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { EMPTY, F32, functionModule, I32, OP, simd, V128 } from '../wasm-module';
import { heapOf, instantiateBeside } from './wasm-memory';

/** Name under which {@link registerAdamWKernel} adds the fused update to the WASM backend. */
export const ADAMW_KERNEL = 'FusedAdamW';

/** Scalars of one update; see `AdamW` for their meaning. */
export interface AdamWScalars {
  readonly beta1: number;
  readonly beta2: number;
  readonly step: number;
  readonly epsilon: number;
  readonly decay: number;
}

const load = [...simd(0), 2, 0];
const store = [...simd(11), 2, 0];
const splat = simd(19);
const f32x4 = { sqrt: simd(227), add: simd(228), sub: simd(229), mul: simd(230), div: simd(231) };

/**
 * The module: one function `(w, m, v, g, out, end: i32; beta1, 1-beta1, beta2, 1-beta2, step, epsilon, decay: f32)`.
 * Addresses are in bytes; `end` is where `w` ends, a multiple of 16 bytes after its start. Four lanes a turn:
 * m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g²;  out = decay w - step m / (√v + epsilon).
 */
function assemble(): Uint8Array<ArrayBuffer> {
  const [w, m, v, g, out, end] = [0, 1, 2, 3, 4, 5];
  const scalars = [6, 7, 8, 9, 10, 11, 12];
  const [beta1, rest1, beta2, rest2, step, epsilon, decay] = [13, 14, 15, 16, 17, 18, 19];
  const [gradient, first, second] = [20, 21, 22];
  const get = (local: number) => [OP.get, local];
  const set = (local: number) => [OP.set, local];
  const at = (pointer: number) => [...get(pointer), ...load];
  const times = (a: number[], b: number[]) => [...a, ...b, ...f32x4.mul];

  const body = [
    ...scalars.flatMap((scalar, i) => [...get(scalar), ...splat, ...set(beta1! + i)]),
    OP.block,
    EMPTY,
    OP.loop,
    EMPTY,
    ...get(w!),
    ...get(end!),
    OP.i32GeU,
    OP.brIf,
    1,
    ...at(g!),
    ...set(gradient!),
    ...get(m!),
    ...times(at(m!), get(beta1!)),
    ...times(get(gradient!), get(rest1!)),
    ...f32x4.add,
    OP.tee,
    first!,
    ...store,
    ...get(v!),
    ...times(at(v!), get(beta2!)),
    ...times(times(get(gradient!), get(gradient!)), get(rest2!)),
    ...f32x4.add,
    OP.tee,
    second!,
    ...store,
    ...get(out!),
    ...times(at(w!), get(decay!)),
    ...times(get(step!), get(first!)),
    ...get(second!),
    ...f32x4.sqrt,
    ...get(epsilon!),
    ...f32x4.add,
    ...f32x4.div,
    ...f32x4.sub,
    ...store,
    ...[w!, m!, v!, g!, out!].flatMap((pointer) => [
      ...get(pointer),
      OP.i32Const,
      16,
      OP.i32Add,
      ...set(pointer),
    ]),
    OP.br,
    0,
    OP.end,
    OP.end,
    OP.end,
  ];
  return functionModule({
    parameters: [...Array<number>(6).fill(I32), ...Array<number>(7).fill(F32)],
    memory: ['tfjs', 'memory'],
    exported: 'adamw',
    locals: [[10, V128]],
    body,
  });
}

type Update = (
  w: number,
  m: number,
  v: number,
  g: number,
  out: number,
  end: number,
  ...scalars: number[]
) => void;

/** One value, with the rounding of the vector code: for the last elements when the size is no multiple of four. */
function updateOne(
  w: Float32Array,
  m: Float32Array,
  v: Float32Array,
  g: Float32Array,
  out: Float32Array,
  i: number,
  s: AdamWScalars,
) {
  const f = Math.fround;
  const [beta1, beta2] = [f(s.beta1), f(s.beta2)];
  m[i] = f(m[i]! * beta1) + f(g[i]! * f(1 - s.beta1));
  v[i] = f(v[i]! * beta2) + f(f(g[i]! * g[i]!) * f(1 - s.beta2));
  out[i] = f(w[i]! * f(s.decay)) - f(f(f(s.step) * m[i]!) / f(f(Math.sqrt(v[i]!)) + f(s.epsilon)));
}

/**
 * Adds to the WASM backend a kernel that makes one AdamW update in one pass over memory; out of TensorFlow.js's own
 * operations it takes eleven. It runs in a second WebAssembly module that shares the backend's memory. Needs SIMD.
 * Inputs w, m, v, g: float32 of one shape. m and v are changed in place; the new w is a new tensor, because the backend
 * caches packed copies of a tensor it has multiplied by and would not notice a change.
 */
export function registerAdamWKernel(started: BackendWasm): void {
  const update = instantiateBeside(started, assemble()).adamw as Update;
  tf.registerKernel({
    kernelName: ADAMW_KERNEL,
    backendName: 'wasm',
    kernelFunc({ inputs, backend, attrs }) {
      const wasm = backend as BackendWasm;
      const { w, m, v, g } = inputs as Record<'w' | 'm' | 'v' | 'g', tf.TensorInfo>;
      const out = wasm.makeOutput(w.shape, 'float32');
      const size = tf.util.sizeFromShape(w.shape);
      const scalars = attrs as unknown as AdamWScalars;
      const { beta1, beta2, step, epsilon, decay } = scalars;
      const [pw, pm, pv, pg, po] = [w, m, v, g, out].map((info) => wasm.getMemoryOffset(info.dataId)) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const whole = size - (size % 4);
      update(pw, pm, pv, pg, po, pw + whole * 4, beta1, 1 - beta1, beta2, 1 - beta2, step, epsilon, decay);
      if (whole < size) {
        const [vw, vm, vv, vg, vo] = [pw, pm, pv, pg, po].map(
          (offset) => new Float32Array(heapOf(wasm), offset, size),
        ) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
        for (let i = whole; i < size; i++) updateOne(vw, vm, vv, vg, vo, i, scalars);
      }
      return out;
    },
  });
}
