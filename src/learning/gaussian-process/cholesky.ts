/**
 * Dense factorisation and triangular solves in float64 for row-major lower-triangular matrices.
 * Every sum runs over ascending k into one accumulator, whatever the tiling, so results do not depend on how rows
 * are grouped and are the same bits on every machine (only + - * / and sqrt are used).
 */

/** Columns factored together: 48 rows of a panel stay in the L2 cache up to a few thousand columns. */
const BLOCK = 48;

/**
 * Factors A = L L' in place (blocked, left-looking: Golub and Van Loan, Matrix Computations, 4th ed., 4.2).
 * @param a row-major n x n; the lower triangle is read and becomes L, what stands above the diagonal is unspecified.
 * @returns -1, or the row of the first pivot that is not positive; `a` is then spoilt.
 */
export function choleskyInPlace(a: Float64Array, n: number): number {
  for (let start = 0; start < n; start += BLOCK) {
    const end = Math.min(n, start + BLOCK);
    if (start > 0) subtractProducts(a, n, a, n, start, { from: start, to: n, end });
    for (let j = start; j < end; j++) {
      const rowJ = j * n;
      let pivot = a[rowJ + j]!;
      for (let k = start; k < j; k++) pivot -= a[rowJ + k]! * a[rowJ + k]!;
      // Written so that NaN is refused too.
      if (!(pivot > 0)) return j;
      a[rowJ + j] = Math.sqrt(pivot);
      for (let i = j + 1; i < end; i++) finishEntry(a, i * n, rowJ, start, j);
    }
    for (let i = end; i < n; i++) {
      for (let j = start; j < end; j++) finishEntry(a, i * n, j * n, start, j);
    }
  }
  return -1;
}

function finishEntry(a: Float64Array, rowI: number, rowJ: number, start: number, j: number): void {
  let sum = a[rowI + j]!;
  for (let k = start; k < j; k++) sum -= a[rowI + k]! * a[rowJ + k]!;
  a[rowI + j] = sum / a[rowJ + j]!;
}

/**
 * out[i, j] -= sum over k < length of a[i, k] a[j, k], for i in [from, to) and j in [from, end) up to the diagonal (a few
 * entries above it are spoilt). Tiles of 2 rows x 4 columns: as many sums as fit the registers.
 * @param out row-major, `outStride` a row; may be `a` itself where it is not read.
 */
export function subtractProducts(
  out: Float64Array,
  outStride: number,
  a: Float64Array,
  aStride: number,
  length: number,
  { from, to, end }: { from: number; to: number; end: number },
): void {
  for (let i = from; i < to; i += 2) {
    const paired = i + 1 < to;
    const i0 = i * aStride;
    // An odd last row is computed twice rather than by a second loop; the copy is not written.
    const i1 = paired ? i0 + aStride : i0;
    const o0 = i * outStride;
    const o1 = o0 + outStride;
    const last = Math.min(end, i + 2);
    for (let j = from; j < last; j += 4) {
      const j0 = j * aStride;
      const j1 = j + 1 < end ? j0 + aStride : j0;
      const j2 = j + 2 < end ? j0 + 2 * aStride : j0;
      const j3 = j + 3 < end ? j0 + 3 * aStride : j0;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let k = 0; k < length; k++) {
        const x0 = a[i0 + k]!;
        const x1 = a[i1 + k]!;
        const y0 = a[j0 + k]!;
        const y1 = a[j1 + k]!;
        const y2 = a[j2 + k]!;
        const y3 = a[j3 + k]!;
        s00 += x0 * y0;
        s01 += x0 * y1;
        s02 += x0 * y2;
        s03 += x0 * y3;
        s10 += x1 * y0;
        s11 += x1 * y1;
        s12 += x1 * y2;
        s13 += x1 * y3;
      }
      const width = end - j;
      out[o0 + j]! -= s00;
      if (width > 1) out[o0 + j + 1]! -= s01;
      if (width > 2) out[o0 + j + 2]! -= s02;
      if (width > 3) out[o0 + j + 3]! -= s03;
      if (!paired) continue;
      out[o1 + j]! -= s10;
      if (width > 1) out[o1 + j + 1]! -= s11;
      if (width > 2) out[o1 + j + 2]! -= s12;
      if (width > 3) out[o1 + j + 3]! -= s13;
    }
  }
}

/**
 * Solves L x = b in place for `count` right-hand sides.
 * @param x row-major count x n: one right-hand side a row, replaced by its solution.
 */
export function solveLowerInPlace(l: Float64Array, n: number, x: Float64Array, count: number): void {
  let c = 0;
  // Tiles of 4 right-hand sides x 2 rows: eight independent sums hide the latency of each.
  for (; c + 4 <= count; c += 4) {
    const c0 = c * n;
    const c1 = c0 + n;
    const c2 = c1 + n;
    const c3 = c2 + n;
    for (let i = 0; i < n; i += 2) {
      const paired = i + 1 < n;
      const r0 = i * n;
      const r1 = paired ? r0 + n : r0;
      const next = paired ? i + 1 : i;
      let s00 = x[c0 + i]!;
      let s01 = x[c1 + i]!;
      let s02 = x[c2 + i]!;
      let s03 = x[c3 + i]!;
      let s10 = x[c0 + next]!;
      let s11 = x[c1 + next]!;
      let s12 = x[c2 + next]!;
      let s13 = x[c3 + next]!;
      for (let k = 0; k < i; k++) {
        const l0 = l[r0 + k]!;
        const l1 = l[r1 + k]!;
        const x0 = x[c0 + k]!;
        const x1 = x[c1 + k]!;
        const x2 = x[c2 + k]!;
        const x3 = x[c3 + k]!;
        s00 -= l0 * x0;
        s01 -= l0 * x1;
        s02 -= l0 * x2;
        s03 -= l0 * x3;
        s10 -= l1 * x0;
        s11 -= l1 * x1;
        s12 -= l1 * x2;
        s13 -= l1 * x3;
      }
      const pivot = l[r0 + i]!;
      s00 /= pivot;
      s01 /= pivot;
      s02 /= pivot;
      s03 /= pivot;
      x[c0 + i] = s00;
      x[c1 + i] = s01;
      x[c2 + i] = s02;
      x[c3 + i] = s03;
      if (!paired) continue;
      const link = l[r1 + i]!;
      const pivot1 = l[r1 + next]!;
      x[c0 + next] = (s10 - link * s00) / pivot1;
      x[c1 + next] = (s11 - link * s01) / pivot1;
      x[c2 + next] = (s12 - link * s02) / pivot1;
      x[c3 + next] = (s13 - link * s03) / pivot1;
    }
  }
  for (; c < count; c++) {
    const at = c * n;
    for (let i = 0; i < n; i++) {
      const row = i * n;
      let sum = x[at + i]!;
      for (let k = 0; k < i; k++) sum -= l[row + k]! * x[at + k]!;
      x[at + i] = sum / l[row + i]!;
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
