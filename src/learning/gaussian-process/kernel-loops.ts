/**
 * The loops of kernel rows in WebAssembly with 128-bit SIMD (docs/adr/0011): minima of whole columns of counts, and kernel values
 * from sums of minima and products of descriptors, in float64 and, for bounds, in float32. Fixed order, plain multiply, add and divide:
 * the same input gives the same bits on every machine.
 */
import { EMPTY, I32, leb, OP, signedLeb, simd, V128, type WasmFunction } from '../wasm-module';
import { COLUMN_STEP } from './dense-columns';

const VECTOR = 16;
const get = (local: number) => [OP.get, ...leb(local)];
const set = (local: number) => [OP.set, ...leb(local)];
const constant = (value: number) => [OP.i32Const, ...signedLeb(value)];
const load = (offset = 0) => [...simd(0), 0, ...leb(offset)];
const loadHalf = (offset = 0) => [...simd(93), 0, ...leb(offset)];
const splatByte = (offset: number) => [...simd(7), 0, ...leb(offset)];
const loadWord = (offset: number) => [0x28, 0, ...leb(offset)];
const store = (offset = 0) => [...simd(11), 0, ...leb(offset)];
const zero = [...simd(12), ...Array<number>(VECTOR).fill(0)];
const advance = (local: number, bytes: number) => [
  ...get(local),
  ...constant(bytes),
  OP.i32Add,
  ...set(local),
];
const again = (local: number, bytes: number, end: number) => [
  ...[...get(local), ...constant(bytes), OP.i32Add, OP.tee, ...leb(local)],
  ...[...get(end), OP.i32LtU, OP.brIf, 0, OP.end],
];
const times = (count: number, each: (i: number) => number[]) =>
  Array.from({ length: count }, (_, i) => each(i)).flat();

const i8x16 = { minU: simd(119), add: simd(110) };
const i16x8 = { extendLowU: simd(137), extendHighU: simd(138), add: simd(142) };
const extendWords = simd(169);

/**
 * `minima(entries, entriesEnd, out, outEnd)`: `entries` holds pairs of 32-bit words, the address of a column of bytes and a count up to
 * 255, whose counts sum to at most 255. Adds to the 16-bit sum of every row, from `out` to `outEnd`, the minima of the counts and the
 * bytes of that row. Rows in steps of COLUMN_STEP.
 */
export function minima(): WasmFunction {
  const [entries, entriesEnd, out, outEnd, offset, entry, at, count] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
  const vectors = COLUMN_STEP / VECTOR;
  const sums = Array.from({ length: vectors }, (_, i) => 8 + i);
  return {
    exported: 'minima',
    parameters: [I32, I32, I32, I32],
    locals: [
      [3, I32],
      [1 + vectors, V128],
    ],
    body: [
      ...[OP.loop, EMPTY],
      ...sums.flatMap((sum) => [...zero, ...set(sum)]),
      ...[...get(entries), ...set(entry)],
      ...[OP.loop, EMPTY],
      ...[...get(entry), ...loadWord(0), ...get(offset), OP.i32Add, ...set(at)],
      ...[...get(entry), ...splatByte(4), ...set(count)],
      ...sums.flatMap((sum, i) => [
        ...[
          ...get(sum),
          ...get(at),
          ...load(i * VECTOR),
          ...get(count),
          ...i8x16.minU,
          ...i8x16.add,
          ...set(sum),
        ],
      ]),
      ...again(entry, 8, entriesEnd),
      ...sums.flatMap((sum, i) =>
        [i16x8.extendLowU, i16x8.extendHighU].flatMap((extend, half) => {
          const place = (2 * i + half) * VECTOR;
          return [
            ...[
              ...get(out),
              ...get(out),
              ...load(place),
              ...get(sum),
              ...extend,
              ...i16x8.add,
              ...store(place),
            ],
          ];
        }),
      ),
      ...advance(offset, COLUMN_STEP),
      ...again(out, 2 * COLUMN_STEP, outEnd),
      OP.end,
    ],
  };
}

/** How values of one width are worked on. `pack` makes 2^n of the whole number n that `whole` left. */
interface Arithmetic {
  readonly bytes: 4 | 8;
  readonly add: number[];
  readonly sub: number[];
  readonly mul: number[];
  readonly div: number[];
  readonly min: number[];
  readonly max: number[];
  readonly nearest: number[];
  readonly fromWords: number[];
  readonly power: number[];
  /** Least exponent that does not underflow, coefficients of exp on [-ln 2 / 2, ln 2 / 2] by descending power, ln 2 in two parts. */
  readonly least: number;
  readonly series: readonly number[];
  readonly ln2: readonly [number, number];
}

const factorials = (degree: number) => {
  const out = [1];
  for (let k = 1; k <= degree; k++) out.push(out[k - 1]! / k);
  return out.reverse();
};
export const doubles: Arithmetic = {
  bytes: 8,
  add: simd(240),
  sub: simd(241),
  mul: simd(242),
  div: simd(243),
  min: simd(244),
  max: simd(245),
  nearest: simd(148),
  fromWords: simd(255),
  // i32x4.trunc_sat_f64x2_s_zero, i64x2.extend_low_i32x4_s, + 1023, << 52
  power: [
    ...simd(252),
    ...simd(199),
    ...[...constantVector(8, 1023), ...simd(206)],
    ...constant(52),
    ...simd(203),
  ],
  least: -700,
  series: factorials(13),
  ln2: [0.6931471803691238, 1.9082149292705877e-10],
};
export const singles: Arithmetic = {
  bytes: 4,
  add: simd(228),
  sub: simd(229),
  mul: simd(230),
  div: simd(231),
  min: simd(232),
  max: simd(233),
  nearest: simd(106),
  fromWords: simd(251),
  // i32x4.trunc_sat_f32x4_s, + 127, << 23
  power: [...simd(248), ...[...constantVector(4, 127), ...simd(174)], ...constant(23), ...simd(171)],
  least: -80,
  series: factorials(7),
  ln2: [0.693359375, -2.1219444e-4],
};

/** A small whole number in every lane of `bytes`. */
function constantVector(bytes: 4 | 8, value: number): number[] {
  const lane = [value & 0xff, value >> 8, ...Array<number>(bytes - 2).fill(0)];
  return [...simd(12), ...Array.from({ length: VECTOR / bytes }, () => lane).flat()];
}

/** Numbers of a row that its values are made of, each in all lanes of a vector, in this order; the constants of exp follow. */
const CONSTANTS = ['own', 'square', 'factor', 'structure', 'product', 'descriptors'] as const;
type RowConstant = (typeof CONSTANTS)[number];
const EXP_CONSTANTS = (a: Arithmetic) => [a.least, Math.LOG2E, -a.ln2[0], -a.ln2[1], ...a.series];

/**
 * `name(shared, totals, squares, products, out, outEnd, constants)`: kernel values of one row, four a turn. T = shared / (own + total -
 * shared); with `apart`, R = exp(factor max(0, square + squares + 2 products)), `products` being negative, and the value is structure T +
 * (product T + descriptors) R; without, T. All but `shared`, of 16 bits, are of the width of `a`.
 */
export function values(exported: string, a: Arithmetic, apart: boolean): WasmFunction {
  const [shared, totals, squares, products, out, outEnd, constants, words, s, t, x, n] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ] as const;
  const at = (index: number) => [...get(constants), ...load(index * VECTOR)];
  const known = (key: RowConstant) => at(CONSTANTS.indexOf(key));
  const exponent = (index: number) => at(CONSTANTS.length + index);
  const lanes = VECTOR / a.bytes;
  const part = (q: number): number[] => {
    const place = q * VECTOR;
    return [
      ...get(words),
      // The upper two of four words, where only two fit.
      ...(q > 0 ? [...get(words), ...simd(13), ...times(VECTOR, (byte) => [(8 + byte) % VECTOR])] : []),
      ...[...a.fromWords, ...set(s)],
      ...[
        ...get(s),
        ...known('own'),
        ...get(totals),
        ...load(place),
        ...a.add,
        ...get(s),
        ...a.sub,
        ...a.div,
      ],
      ...(apart
        ? [
            ...set(t),
            ...[...known('square'), ...get(squares), ...load(place), ...a.add],
            ...[...get(products), ...load(place), ...get(products), ...load(place), ...a.add, ...a.add],
            ...[...zero, ...a.max, ...known('factor'), ...a.mul, ...exponent(0), ...a.max, ...set(x)],
            ...[...get(x), ...exponent(1), ...a.mul, ...a.nearest, ...set(n)],
            ...[...get(x), ...get(n), ...exponent(2), ...a.mul, ...a.add],
            ...[...get(n), ...exponent(3), ...a.mul, ...a.add, ...set(x)],
            ...exponent(4),
            ...a.series.slice(1).flatMap((_, k) => [...get(x), ...a.mul, ...exponent(5 + k), ...a.add]),
            ...[...get(n), ...a.power, ...a.mul, ...set(x)],
            // Stored below the value on the stack: out.
            ...[
              ...known('product'),
              ...get(t),
              ...a.mul,
              ...known('descriptors'),
              ...a.add,
              ...get(x),
              ...a.mul,
            ],
            ...[...known('structure'), ...get(t), ...a.mul, ...a.add, ...set(x)],
            ...[...get(out), ...get(x), ...store(place)],
          ]
        : [...set(t), ...get(out), ...get(t), ...store(place)]),
    ];
  };
  return {
    exported,
    parameters: [I32, I32, I32, I32, I32, I32, I32],
    locals: [[5, V128]],
    body: [
      ...[OP.loop, EMPTY],
      ...[...get(shared), ...loadHalf(), ...extendWords, ...set(words)],
      ...times(4 / lanes, part),
      ...advance(shared, 8),
      ...advance(totals, 4 * a.bytes),
      ...(apart ? [...advance(squares, 4 * a.bytes), ...advance(products, 4 * a.bytes)] : []),
      ...again(out, 4 * a.bytes, outEnd),
      OP.end,
    ],
  };
}

/** Vectors that `putConstants` writes. */
export const CONSTANT_VECTORS = CONSTANTS.length + 4 + 14;

/** Writes the constants of a row, each in all lanes, from the start of `target` (of either width). */
export function putConstants(
  target: Float64Array | Float32Array,
  row: Readonly<Record<RowConstant, number>>,
): void {
  const double = target instanceof Float64Array;
  const lanes = double ? 2 : 4;
  const all = [...CONSTANTS.map((key) => row[key]), ...EXP_CONSTANTS(double ? doubles : singles)];
  all.forEach((value, i) => target.fill(value, i * lanes, (i + 1) * lanes));
}
