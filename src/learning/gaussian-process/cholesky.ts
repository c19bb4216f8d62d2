import { subtractProduct, type Rows } from './products';

/**
 * Dense factorisation and triangular solves in float64 for row-major lower-triangular matrices, by halves, so that all but a
 * sliver of the work are matrix products (Gustavson 1997, "Recursion leads to automatic variable blocking").
 * Every sum runs in a fixed order that only the size of the triangle decides, so results do not depend on how rows are
 * grouped and are the same bits on every machine (only + - * / and sqrt are used).
 */

/** Triangles of this size and less are worked off one entry at a time. */
const LEAF = 32;

/** Where a triangle is cut: at a multiple of LEAF, for all triangles of a size alike. */
const half = (n: number) => LEAF * Math.ceil(n / LEAF / 2);
const part = ({ data, at, stride }: Rows, row: number, column: number): Rows => ({
  data,
  at: at + row * stride + column,
  stride,
});

/**
 * Factors A = L L' in place.
 * @param a row-major n x n; the lower triangle is read and becomes L, what stands above the diagonal is unspecified.
 * @returns -1, or the row of the first pivot that is not positive; `a` is then spoilt.
 */
export function choleskyInPlace(a: Float64Array, n: number): number {
  return factor({ data: a, at: 0, stride: n }, n);
}

function factor(a: Rows, n: number): number {
  if (n <= LEAF) return factorLeaf(a, n);
  const h = half(n);
  const failed = factor(a, h);
  if (failed >= 0) return failed;
  const below = part(a, h, 0);
  const rest = part(a, h, h);
  solveLower(a, h, below, n - h);
  subtractProduct(rest, below, below, { rows: n - h, columns: n - h, depth: h, lower: true });
  const later = factor(rest, n - h);
  return later < 0 ? later : h + later;
}

function factorLeaf({ data, at, stride }: Rows, n: number): number {
  for (let j = 0; j < n; j++) {
    const rowJ = at + j * stride;
    let pivot = data[rowJ + j]!;
    for (let k = 0; k < j; k++) pivot -= data[rowJ + k]! * data[rowJ + k]!;
    // Written so that NaN is refused too.
    if (!(pivot > 0)) return j;
    pivot = Math.sqrt(pivot);
    data[rowJ + j] = pivot;
    for (let i = j + 1; i < n; i++) {
      const rowI = at + i * stride;
      let sum = data[rowI + j]!;
      for (let k = 0; k < j; k++) sum -= data[rowI + k]! * data[rowJ + k]!;
      data[rowI + j] = sum / pivot;
    }
  }
  return -1;
}

/**
 * Solves L x = b in place for `count` right-hand sides.
 * @param x row-major count x n: one right-hand side a row, replaced by its solution.
 */
export function solveLowerInPlace(l: Float64Array, n: number, x: Float64Array, count: number): void {
  if (count > 0) solveLower({ data: l, at: 0, stride: n }, n, { data: x, at: 0, stride: n }, count);
}

/** The same of matrices as they lie, so also of parts of larger ones. */
export function solveLower(l: Rows, n: number, x: Rows, count: number): void {
  if (n <= LEAF) {
    solveLeaf(l, n, x, count);
    return;
  }
  const h = half(n);
  solveLower(l, h, x, count);
  const rest = part(x, 0, h);
  subtractProduct(rest, x, part(l, h, 0), { rows: count, columns: n - h, depth: h });
  solveLower(part(l, h, h), n - h, rest, count);
}

function solveLeaf(l: Rows, n: number, x: Rows, count: number): void {
  const { data, stride } = x;
  let c = 0;
  // Four right-hand sides at a time: independent sums hide the latency of each.
  for (; c + 4 <= count; c += 4) {
    const c0 = x.at + c * stride;
    const c1 = c0 + stride;
    const c2 = c1 + stride;
    const c3 = c2 + stride;
    for (let i = 0; i < n; i++) {
      const row = l.at + i * l.stride;
      let s0 = data[c0 + i]!;
      let s1 = data[c1 + i]!;
      let s2 = data[c2 + i]!;
      let s3 = data[c3 + i]!;
      for (let k = 0; k < i; k++) {
        const value = l.data[row + k]!;
        s0 -= value * data[c0 + k]!;
        s1 -= value * data[c1 + k]!;
        s2 -= value * data[c2 + k]!;
        s3 -= value * data[c3 + k]!;
      }
      const pivot = l.data[row + i]!;
      data[c0 + i] = s0 / pivot;
      data[c1 + i] = s1 / pivot;
      data[c2 + i] = s2 / pivot;
      data[c3 + i] = s3 / pivot;
    }
  }
  for (; c < count; c++) {
    const at = x.at + c * stride;
    for (let i = 0; i < n; i++) {
      const row = l.at + i * l.stride;
      let sum = data[at + i]!;
      for (let k = 0; k < i; k++) sum -= l.data[row + k]! * data[at + k]!;
      data[at + i] = sum / l.data[row + i]!;
    }
  }
}

/** Solves L' x = b in place for one right-hand side of length n. */
export function solveLowerTransposeInPlace(l: Float64Array, n: number, x: Float64Array): void {
  for (let i = n - 1; i >= 0; i--) {
    const row = i * n;
    const value = x[i]! / l[row + i]!;
    x[i] = value;
    for (let k = 0; k < i; k++) x[k]! -= l[row + k]! * value;
  }
}

/** log det(L L'). */
export function logDeterminant(l: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(l[i * n + i]!);
  return 2 * sum;
}

/** Sum of a[aAt + k] b[bAt + k] over k < length. */
export function dot(a: Float64Array, aAt: number, b: Float64Array, bAt: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += a[aAt + k]! * b[bAt + k]!;
  return sum;
}
