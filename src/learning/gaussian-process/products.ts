import { createTileKernel, TILE } from './tile-kernel';

/**
 * C -= A B' in blocks that fit the caches (Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication").
 * Every entry of the product is summed over ascending k, in blocks of DEPTH that begin at k = 0, and depends on nothing but its
 * row of A and its row of B: results are the same bits however rows are grouped into calls.
 */

/** Values of k a block: a panel of TILE rows, 8 kB, stays in the first cache. */
const DEPTH = 256;
/** Rows of A a block, 128 kB, and of B, 512 kB: both stay in the second cache. */
const A_ROWS = 64;
const B_ROWS = 256;

const A_AT = 0;
const B_AT = A_ROWS * DEPTH;
const OUT_AT = B_AT + B_ROWS * DEPTH;
let kernel: ReturnType<typeof createTileKernel> | undefined;

/** Rows of a matrix as they lie: row r is data[at + r * stride ..]. */
export interface Rows {
  readonly data: Float64Array;
  readonly at: number;
  readonly stride: number;
  /**
   * Square and only stored on and below the diagonal: entry (r, k) above it is read at (k, r). */
  readonly symmetric?: boolean;
}

/**
 * c[i, j] -= sum over k < depth of a[i, k] b[j, k], for i < rows and j < columns.
 * @param lower only entries with j <= i are wanted; entries of tiles that the diagonal cuts may be spoilt above it.
 */
export function subtractProduct(
  c: Rows,
  a: Rows,
  b: Rows,
  size: { rows: number; columns: number; depth: number; lower?: boolean },
): void {
  const { rows, columns, depth, lower = false } = size;
  const { memory, multiply } = (kernel ??= createTileKernel(OUT_AT + (A_ROWS / TILE) * TILE * TILE));
  for (let jc = 0; jc < columns; jc += B_ROWS) {
    const width = Math.min(B_ROWS, columns - jc);
    for (let kc = 0; kc < depth; kc += DEPTH) {
      const length = Math.min(DEPTH, depth - kc);
      const steps = length + (length & 1);
      pack(b, jc, width, kc, length, steps, memory, B_AT);
      const first = lower ? jc - (jc % A_ROWS) : 0;
      for (let ic = first; ic < rows; ic += A_ROWS) {
        const height = Math.min(A_ROWS, rows - ic);
        pack(a, ic, height, kc, length, steps, memory, A_AT);
        for (let j = 0; j < width; j += TILE) {
          const skipped = lower ? Math.max(0, Math.floor((jc + j - ic) / TILE)) : 0;
          const tiles = Math.ceil(height / TILE) - skipped;
          if (tiles <= 0) continue;
          multiply(A_AT + skipped * TILE * steps, B_AT + j * steps, OUT_AT, steps, tiles);
          subtractTiles(c, ic + skipped * TILE, ic + height, jc + j, Math.min(TILE, width - j), memory);
        }
      }
    }
  }
}

function subtractTiles(
  { data, at, stride }: Rows,
  from: number,
  to: number,
  column: number,
  width: number,
  memory: Float64Array,
): void {
  let tile = OUT_AT;
  let place = at + from * stride + column;
  if (width === TILE) {
    for (let i = from; i < to; i++, tile += TILE, place += stride) {
      data[place]! -= memory[tile]!;
      data[place + 1]! -= memory[tile + 1]!;
      data[place + 2]! -= memory[tile + 2]!;
      data[place + 3]! -= memory[tile + 3]!;
    }
    return;
  }
  for (let i = from; i < to; i++, tile += TILE, place += stride)
    for (let j = 0; j < width; j++) data[place + j]! -= memory[tile + j]!;
}

/** Panels of TILE rows, k by k; rows and steps that there are not are 0. */
function pack(
  source: Rows,
  from: number,
  count: number,
  kFrom: number,
  length: number,
  steps: number,
  memory: Float64Array,
  target: number,
): void {
  const { data, at, stride, symmetric = false } = source;
  for (let r = 0; r < count; r += TILE, target += TILE * steps) {
    const row = from + r;
    if (r + TILE > count || (symmetric && kFrom <= row + TILE - 1 && kFrom + length > row)) {
      packEdge(source, row, Math.min(TILE, count - r), kFrom, length, memory, target);
    } else if (symmetric && kFrom > row) {
      let s = at + kFrom * stride + row;
      const end = target + TILE * length;
      for (let t = target; t < end; t += TILE, s += stride) {
        memory[t] = data[s]!;
        memory[t + 1] = data[s + 1]!;
        memory[t + 2] = data[s + 2]!;
        memory[t + 3] = data[s + 3]!;
      }
    } else {
      let s0 = at + row * stride + kFrom;
      let s1 = s0 + stride;
      let s2 = s1 + stride;
      let s3 = s2 + stride;
      const end = target + TILE * length;
      for (let t = target; t < end; t += TILE) {
        memory[t] = data[s0++]!;
        memory[t + 1] = data[s1++]!;
        memory[t + 2] = data[s2++]!;
        memory[t + 3] = data[s3++]!;
      }
    }
    if (steps > length) memory.fill(0, target + TILE * length, target + TILE * steps);
  }
}

function packEdge(
  { data, at, stride, symmetric = false }: Rows,
  row: number,
  count: number,
  kFrom: number,
  length: number,
  memory: Float64Array,
  target: number,
): void {
  for (let q = 0; q < TILE; q++) {
    let t = target + q;
    if (q >= count) {
      for (let k = 0; k < length; k++, t += TILE) memory[t] = 0;
      continue;
    }
    const r = row + q;
    // Up to the diagonal along the row, from there on down the column.
    const turn = symmetric ? Math.min(length, Math.max(0, r + 1 - kFrom)) : length;
    let s = at + r * stride + kFrom;
    for (let k = 0; k < turn; k++, t += TILE) memory[t] = data[s++]!;
    s = at + (kFrom + turn) * stride + r;
    for (let k = turn; k < length; k++, t += TILE, s += stride) memory[t] = data[s]!;
  }
}
