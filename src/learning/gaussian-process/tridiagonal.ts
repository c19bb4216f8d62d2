/** A symmetric tridiagonal matrix T = Q' A Q and vectors carried along as Q' v. */
export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** offDiagonal[i] couples i - 1 and i; offDiagonal[0] is 0. */
  readonly offDiagonal: Float64Array;
}

/**
 * Householder reduction of a symmetric matrix to tridiagonal form (Martin, Reinsch and Wilkinson 1968, `tred2`, without the
 * eigenvectors). The rank-two update of one step and the matrix-vector product of the next share one pass over the matrix,
 * because memory traffic, not arithmetic, is what this costs.
 * @param a row-major n x n, lower triangle read; destroyed.
 * @param vectors length n each; replaced by Q' v.
 */
export function tridiagonalise(a: Float64Array, n: number, vectors: readonly Float64Array[]): Tridiagonal {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  // Pending update A -= v w' + w v', and the reflector u with its product p = A u.
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let u = new Float64Array(n);
  let p = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    const rowI = i * n;
    for (let j = 0; j <= i; j++) a[rowI + j] = a[rowI + j]! - v[i]! * w[j]! - w[i]! * v[j]!;
    diagonal[i] = a[rowI + i]!;
    if (i === 0) break;

    let scale = 0;
    for (let j = 0; j < i - 1; j++) scale = Math.max(scale, Math.abs(a[rowI + j]!));
    const last = a[rowI + i - 1]!;
    let h = 0;
    if (scale === 0) {
      offDiagonal[i] = last;
      u.fill(0, 0, i);
    } else {
      scale = Math.max(scale, Math.abs(last));
      let square = 0;
      for (let j = 0; j < i; j++) {
        u[j] = a[rowI + j]! / scale;
        square += u[j]! * u[j]!;
      }
      const f = u[i - 1]!;
      const g = f >= 0 ? -Math.sqrt(square) : Math.sqrt(square);
      offDiagonal[i] = scale * g;
      u[i - 1] = f - g;
      h = square - f * g;
    }

    p.fill(0, 0, i);
    updateAndMultiply(a, n, i, v, w, u, p);
    if (h > 0) {
      let up = 0;
      for (let j = 0; j < i; j++) {
        p[j]! /= h;
        up += u[j]! * p[j]!;
      }
      const k = up / (2 * h);
      for (let j = 0; j < i; j++) p[j]! -= k * u[j]!;
      for (const vector of vectors) {
        let product = 0;
        for (let j = 0; j < i; j++) product += u[j]! * vector[j]!;
        product /= h;
        for (let j = 0; j < i; j++) vector[j]! -= product * u[j]!;
      }
    }
    [v, u] = [u, v];
    [w, p] = [p, w];
  }
  return { diagonal, offDiagonal };
}

/** On the leading m x m block: A -= v w' + w v' (lower triangle), then p += A u. Two rows at a time. */
function updateAndMultiply(
  a: Float64Array,
  n: number,
  m: number,
  v: Float64Array,
  w: Float64Array,
  u: Float64Array,
  p: Float64Array,
): void {
  let r = 0;
  for (; r + 2 <= m; r += 2) {
    const row0 = r * n;
    const row1 = row0 + n;
    const v0 = v[r]!;
    const w0 = w[r]!;
    const u0 = u[r]!;
    const v1 = v[r + 1]!;
    const w1 = w[r + 1]!;
    const u1 = u[r + 1]!;
    let s0 = 0;
    let s1 = 0;
    for (let j = 0; j < r; j++) {
      const vj = v[j]!;
      const wj = w[j]!;
      const uj = u[j]!;
      const x0 = a[row0 + j]! - v0 * wj - w0 * vj;
      const x1 = a[row1 + j]! - v1 * wj - w1 * vj;
      a[row0 + j] = x0;
      a[row1 + j] = x1;
      s0 += x0 * uj;
      s1 += x1 * uj;
      p[j]! += x0 * u0 + x1 * u1;
    }
    const d0 = a[row0 + r]! - 2 * v0 * w0;
    const c = a[row1 + r]! - v1 * w0 - w1 * v0;
    const d1 = a[row1 + r + 1]! - 2 * v1 * w1;
    a[row0 + r] = d0;
    a[row1 + r] = c;
    a[row1 + r + 1] = d1;
    p[r]! += s0 + d0 * u0 + c * u1;
    p[r + 1]! += s1 + c * u0 + d1 * u1;
  }
  if (r < m) {
    const row = r * n;
    let sum = 0;
    for (let j = 0; j < r; j++) {
      const x = a[row + j]! - v[r]! * w[j]! - w[r]! * v[j]!;
      a[row + j] = x;
      sum += x * u[j]!;
      p[j]! += x * u[r]!;
    }
    const d = a[row + r]! - 2 * v[r]! * w[r]!;
    a[row + r] = d;
    p[r]! += sum + d * u[r]!;
  }
}
