import { EMPTY, F32, I32, leb, moduleOf, OP, signedLeb, simd, V128, type WasmFunction } from '../wasm-module';

/** Rows and columns of a tile: eight sums of four lanes, which fit into sixteen registers beside what one step loads. */
export const TILE_ROWS = 4;
export const TILE_COLUMNS = 8;

const LANES = 4;
const VALUE = 4;
const VECTOR = LANES * VALUE;

const memory = (code: number, offset = 0): number[] => [...simd(code), 2, ...leb(offset)];
const load = (offset?: number) => memory(0, offset);
const loadSplat = (offset?: number) => memory(9, offset);
const store = (offset?: number) => memory(11, offset);
const splat = simd(19);
const zero = [...simd(12), ...Array<number>(VECTOR).fill(0)];
const f32x4 = { add: simd(228), mul: simd(230), max: simd(233) };
const get = (local: number) => [OP.get, ...leb(local)];
const set = (local: number) => [OP.set, ...leb(local)];
const sum = (a: number[], b: number[]) => [...a, ...b, OP.i32Add];
const constant = (value: number) => [OP.i32Const, ...signedLeb(value)];
const times = <T>(count: number, each: (i: number) => T[]): T[] =>
  Array.from({ length: count }, (_, i) => each(i)).flat();

/** Names `count` locals from `first` on. */
const locals = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

/**
 * `start(a, aEnd, panelBytes, b, c, rowBytes, floor)`: a column of tiles. `b` is a panel: for each step 8 values; from `a` to `aEnd` lie
 * panels of `panelBytes`, for each step 4 values. Tile i, at row 4 i from `c`: c[r][q] = max(floor, sum over steps of a[r] b[q]), steps in their
 * order. `add`, of the same parameters, goes on from the sum that is there. One step a turn: with two, V8 (Node 20) is a third slower.
 */
function tiles(exported: 'start' | 'add'): WasmFunction {
  const [a, aEnd, panelBytes, b, c, rowBytes, floor, bAt, panelEnd] = locals(0, 9) as Nine;
  const rows = [c, ...locals(9, TILE_ROWS - 1)];
  const vectors = TILE_COLUMNS / LANES;
  const [least, ...rest] = locals(12, 2 + vectors + TILE_ROWS * vectors) as [number, ...number[]];
  const [left, right, sums] = [rest[0]!, rest.slice(1, 1 + vectors), rest.slice(1 + vectors)];
  const eachSum = (body: (row: number, q: number, total: number) => number[]) =>
    times(TILE_ROWS, (row) => times(vectors, (q) => body(rows[row]!, q * VECTOR, sums[row * vectors + q]!)));
  return {
    exported,
    parameters: [I32, I32, I32, I32, I32, I32, F32],
    locals: [
      [2 + TILE_ROWS - 1, I32],
      [2 + vectors + TILE_ROWS * vectors, V128],
    ],
    body: [
      ...[...get(floor), ...splat, ...set(least)],
      ...[OP.loop, EMPTY],
      ...times(TILE_ROWS - 1, (r) => [...sum(get(rows[r]!), get(rowBytes)), ...set(rows[r + 1]!)]),
      ...eachSum((row, offset, total) => [
        ...[...(exported === 'add' ? [...get(row), ...load(offset)] : zero), ...set(total)],
      ]),
      ...[...get(b), ...set(bAt), ...sum(get(a), get(panelBytes)), ...set(panelEnd)],
      ...[OP.loop, EMPTY],
      ...times(vectors, (q) => [...get(bAt), ...load(q * VECTOR), ...set(right[q]!)]),
      ...times(TILE_ROWS, (r) => [
        ...[...get(a), ...loadSplat(r * VALUE), ...set(left)],
        ...times(vectors, (q) => {
          const total = sums[r * vectors + q]!;
          return [...get(total), ...get(left), ...get(right[q]!), ...f32x4.mul, ...f32x4.add, ...set(total)];
        }),
      ]),
      ...[...sum(get(bAt), constant(TILE_COLUMNS * VALUE)), ...set(bAt)],
      ...[
        ...sum(get(a), constant(TILE_ROWS * VALUE)),
        OP.tee,
        a,
        ...get(panelEnd),
        OP.i32LtU,
        OP.brIf,
        0,
        OP.end,
      ],
      ...eachSum((row, offset, total) => [
        ...[...get(row), ...get(total), ...get(least), ...f32x4.max, ...store(offset)],
      ]),
      ...[...sum(get(rows[TILE_ROWS - 1]!), get(rowBytes)), ...set(c)],
      ...[...get(a), ...get(aEnd), OP.i32LtU, OP.brIf, 0, OP.end, OP.end],
    ],
  };
}
type Nine = [number, number, number, number, number, number, number, number, number];

/** `copyN(from, to, toEnd, rowBytes)`: the panel of N columns of a matrix: N neighbouring values of each row. */
function copy(lanes: number): WasmFunction {
  const [from, to, toEnd, rowBytes] = [0, 1, 2, 3];
  return {
    exported: `copy${lanes}`,
    parameters: [I32, I32, I32, I32],
    locals: [],
    body: [
      ...[OP.loop, EMPTY],
      ...times(lanes / LANES, (q) => [
        ...[...get(to), ...get(from), ...load(q * VECTOR), ...store(q * VECTOR)],
      ]),
      ...[...sum(get(from), get(rowBytes)), ...set(from)],
      ...[...sum(get(to), constant(lanes * VALUE)), OP.tee, to, ...get(toEnd), OP.i32LtU, OP.brIf, 0],
      ...[OP.end, OP.end],
    ],
  };
}

/** Lanes of two vectors, numbered 0 to 7, put together. */
const shuffle = (...lanes: number[]) => [
  ...simd(13),
  ...lanes.flatMap((lane) => times(VALUE, (byte) => [lane * VALUE + byte])),
];

/**
 * `turnN(from, to, toEnd, rowBytes)`: the panel of N rows of a matrix, transposed, four of its columns a turn: `toEnd - to` is a
 * multiple of four steps.
 */
function turn(lanes: number): WasmFunction {
  const [from, to, toEnd, rowBytes] = [0, 1, 2, 3];
  const [row, ...vectors] = locals(4, 9) as [number, ...number[]];
  const [rows, pairs] = [vectors.slice(0, LANES), vectors.slice(LANES)];
  const joined = (a: number, b: number, ...lane: number[]) => [...get(a), ...get(b), ...shuffle(...lane)];
  return {
    exported: `turn${lanes}`,
    parameters: [I32, I32, I32, I32],
    locals: [
      [1, I32],
      [8, V128],
    ],
    body: [
      ...[OP.loop, EMPTY, ...get(from), ...set(row)],
      ...times(lanes / LANES, (q) => [
        ...times(LANES, (r) => [
          ...[...get(row), ...load(), ...set(rows[r]!), ...sum(get(row), get(rowBytes)), ...set(row)],
        ]),
        ...times(2, (half) => [
          ...[
            ...joined(rows[0]!, rows[1]!, 2 * half, 4 + 2 * half, 1 + 2 * half, 5 + 2 * half),
            ...set(pairs[2 * half]!),
          ],
          ...[
            ...joined(rows[2]!, rows[3]!, 2 * half, 4 + 2 * half, 1 + 2 * half, 5 + 2 * half),
            ...set(pairs[2 * half + 1]!),
          ],
        ]),
        ...times(LANES, (step) => {
          const [above, below] = pairs.slice(step < 2 ? 0 : 2) as [number, number];
          const at = 2 * (step % 2);
          return [
            ...[...get(to), ...joined(above, below, at, at + 1, at + 4, at + 5)],
            ...store(step * lanes * VALUE + q * VECTOR),
          ];
        }),
      ]),
      ...[...sum(get(from), constant(VECTOR)), ...set(from)],
      ...[...sum(get(to), constant(LANES * lanes * VALUE)), OP.tee, to, ...get(toEnd), OP.i32LtU, OP.brIf, 0],
      ...[OP.end, OP.end],
    ],
  };
}

/** Fills a panel; addresses and lengths in bytes. */
export type Pack = (from: number, to: number, toEnd: number, rowBytes: number) => void;

/** Computes a column of tiles; addresses and lengths in bytes. */
export type Tiles = (
  ...of: [a: number, aEnd: number, panelBytes: number, b: number, c: number, rowBytes: number, floor: number]
) => void;

export interface TileFunctions {
  readonly start: Tiles;
  readonly add: Tiles;
  readonly copy4: Pack;
  readonly copy8: Pack;
  readonly turn4: Pack;
  readonly turn8: Pack;
}

/** The module of {@link TileFunctions} on an imported memory, that of TensorFlow.js unless told. Plain multiply and add in a fixed order: the same bits everywhere. */
export const tileModule = (
  memory: readonly [module: string, name: string] = ['tfjs', 'memory'],
): Uint8Array<ArrayBuffer> =>
  moduleOf(memory, [
    tiles('start'),
    tiles('add'),
    ...[TILE_ROWS, TILE_COLUMNS].flatMap((lanes) => [copy(lanes), turn(lanes)]),
  ]);
