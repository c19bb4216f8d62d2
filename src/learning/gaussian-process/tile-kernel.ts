/**
 * The one hot loop of the Gaussian process in WebAssembly: products of 4 x 4 tiles with the 128-bit SIMD that every supported
 * Node has (WebAssembly core specification 2.0, sections 5.3 to 5.5; docs/adr/0011). Everything about it is fixed order and
 * plain multiply and add, so the same input gives the same bits on every machine.
 */
import { EMPTY, functionModule, I32, leb, OP, simd, V128, wasm } from '../wasm-module';

/** Rows and columns of a tile: eight two-lane sums, as many as the sixteen registers of x64 hold beside their operands. */
export const TILE = 4;
const PAGE = 65536;
const DOUBLE = 8;

const memory = (code: number, offset: number): number[] => [...simd(code), 3, ...leb(offset)];
const load = (offset: number) => memory(0, offset);
const loadSplat = (offset: number) => memory(10, offset);
const store = (offset: number) => memory(11, offset);
const zero = [...simd(12), ...Array<number>(16).fill(0)];
const f64x2 = { add: simd(240), mul: simd(242) };

/**
 * One function `tiles(a, b, out, steps, outEnd)`, addresses in bytes. `b` holds `steps` rows of 4 values; `a` one such panel
 * after another, one for each tile; out receives out[r][c] = sum over k of a[k][r] b[k][c] of each tile, 16 values a tile, up
 * to `outEnd`. `steps` is even and at least 2.
 */
function assemble(): Uint8Array<ArrayBuffer> {
  const [a, b, out, steps, outEnd, at, bEnd] = [0, 1, 2, 3, 4, 5, 6] as const;
  const sums = [7, 8, 9, 10, 11, 12, 13, 14];
  const [left, right0, right1] = [15, 16, 17] as const;
  const get = (local: number) => [OP.get, local];
  const set = (local: number) => [OP.set, local];
  const advance = (local: number, bytes: number) => [
    ...get(local),
    OP.i32Const,
    // Signed LEB128 needs one more byte where bit 6 is set.
    ...(bytes % 128 >= 64 && bytes < 128 ? [bytes | 0x80, 0] : bytes === 128 ? [0x80, 1] : leb(bytes)),
    OP.i32Add,
    ...set(local),
  ];
  const rowBytes = TILE * DOUBLE;
  const step = (k: number) => [
    ...get(at),
    ...load(k * rowBytes),
    ...set(right0),
    ...get(at),
    ...load(k * rowBytes + 16),
    ...set(right1),
    ...Array.from({ length: TILE }, (_, r) => [
      ...get(a),
      ...loadSplat(k * rowBytes + r * DOUBLE),
      ...set(left),
      ...[right0, right1].flatMap((right, half) => {
        const sum = sums[2 * r + half]!;
        return [...get(sum), ...get(left), ...get(right), ...f64x2.mul, ...f64x2.add, ...set(sum)];
      }),
    ]).flat(),
  ];
  const body = [
    ...get(b),
    ...get(steps),
    OP.i32Const,
    5,
    OP.i32Shl,
    OP.i32Add,
    ...set(bEnd),
    OP.loop,
    EMPTY,
    ...sums.flatMap((sum) => [...zero, ...set(sum)]),
    ...get(b),
    ...set(at),
    OP.loop,
    EMPTY,
    ...step(0),
    ...step(1),
    ...advance(a, 2 * rowBytes),
    ...advance(at, 2 * rowBytes),
    ...get(at),
    ...get(bEnd),
    OP.i32LtU,
    OP.brIf,
    0,
    OP.end,
    ...sums.flatMap((sum, i) => [...get(out), ...get(sum), ...store(16 * i)]),
    ...advance(out, TILE * rowBytes),
    ...get(out),
    ...get(outEnd),
    OP.i32LtU,
    OP.brIf,
    0,
    OP.end,
    OP.end,
  ];
  return functionModule({
    parameters: Array<number>(5).fill(I32),
    memory: ['titrate', 'memory'],
    exported: 'tiles',
    locals: [
      [2, I32],
      [11, V128],
    ],
    body,
  });
}

export interface TileKernel {
  /** Its memory, as doubles: panels go in here and tiles come out. */
  readonly memory: Float64Array;
  /** See `assemble`; places are in doubles. */
  multiply(a: number, b: number, out: number, steps: number, tiles: number): void;
}

/** A kernel with a memory of at least `doubles` values. */
export function createTileKernel(doubles: number): TileKernel {
  const pages = Math.ceil((doubles * DOUBLE) / PAGE);
  const memory = new wasm.Memory({ initial: pages, maximum: pages });
  const { exports } = new wasm.Instance(new wasm.Module(assemble()), { titrate: { memory } });
  const tiles = exports.tiles as (a: number, b: number, out: number, steps: number, outEnd: number) => void;
  return {
    memory: new Float64Array(memory.buffer),
    multiply(a, b, out, steps, count) {
      const at = out * DOUBLE;
      tiles(a * DOUBLE, b * DOUBLE, at, steps, at + count * TILE * TILE * DOUBLE);
    },
  };
}
