import { dot } from './cholesky';
import { subtractProduct, type Rows } from './products';

/** A symmetric band matrix B = Q' A Q: entry (i, j), i - width <= j <= i, is entries[i (width + 1) + width - i + j]. */
export interface Band {
  readonly n: number;
  readonly width: number;
  readonly entries: Float64Array;
}

/** Columns eliminated together. Wider bands make better products and dearer factorisations; 32 to 64 cost about the same (measured). */
const WIDTH = 48;

/**
 * Reduces a symmetric matrix to a band by blocks of Householder reflections (Bischof, Lang and Sun 2000, "A framework for
 * symmetric band reduction"). Unlike the reduction to tridiagonal form, nearly all of its 4/3 n^3 operations are matrix products.
 * @param a row-major n x n, lower triangle read; destroyed.
 * @param vectors length n each; replaced by Q' v.
 */
export function reduceToBand(a: Float64Array, n: number, vectors: readonly Float64Array[]): Band {
  const whole: Rows = { data: a, at: 0, stride: n };
  for (let column = 0; column + WIDTH + 1 < n; column += WIDTH) {
    const row = column + WIDTH;
    eliminate(whole, n, row, column, vectors);
  }
  const width = Math.min(WIDTH, n - 1);
  const entries = new Float64Array(n * (width + 1));
  for (let i = 0; i < n; i++) {
    for (let j = Math.max(0, i - width); j <= i; j++)
      entries[i * (width + 1) + width - i + j] = a[i * n + j]!;
  }
  return { n, width, entries };
}

/** Reflects rows and columns from `row` on so that the WIDTH columns from `column` on are upper triangular there. */
function eliminate(
  { data, stride }: Rows,
  n: number,
  row: number,
  column: number,
  vectors: readonly Float64Array[],
): void {
  const m = n - row;
  const k = Math.min(WIDTH, m);
  const panel = new Float64Array(WIDTH * m);
  for (let i = 0; i < m; i++)
    for (let c = 0; c < WIDTH; c++) panel[c * m + i] = data[(row + i) * stride + column + c]!;
  const scales = reflect(panel, m, k);
  for (let i = 0; i < m; i++)
    for (let c = 0; c < WIDTH; c++) data[(row + i) * stride + column + c] = i <= c ? panel[c * m + i]! : 0;

  // From here on the panel holds V' (k x m), unit lower trapezoidal.
  for (let c = 0; c < k; c++) {
    panel.fill(0, c * m, c * m + c);
    panel[c * m + c] = 1;
  }
  const vt: Rows = { data: panel, at: 0, stride: m };
  const t = triangleOf(vt, m, k, scales);
  for (const vector of vectors) reflectVector(vt, m, k, t, vector.subarray(row));

  // [V W] and [W V], side by side: A -= V W' + W V' is one product.
  const left = new Float64Array(m * 2 * k);
  const right = new Float64Array(m * 2 * k);
  const v: Rows = { data: left, at: 0, stride: 2 * k };
  const w: Rows = { data: left, at: k, stride: 2 * k };
  for (let i = 0; i < m; i++) for (let c = 0; c < k; c++) left[i * 2 * k + c] = panel[c * m + i]!;
  const rest: Rows = { data, at: row * stride + row, stride };
  // W = Y - V (T' V' Y) / 2 with Y = A V T.
  const product: Rows = { data: right, at: 0, stride: 2 * k };
  subtractProduct(product, { ...rest, symmetric: true }, vt, { rows: m, columns: k, depth: m });
  const turned = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = i; j < k; j++) turned[j * k + i] = t[i * k + j]!;
  subtractProduct(w, product, { data: turned, at: 0, stride: k }, { rows: m, columns: k, depth: k });
  const yt = new Float64Array(k * m);
  for (let i = 0; i < m; i++) for (let c = 0; c < k; c++) yt[c * m + i] = left[i * 2 * k + k + c]!;
  const vy = new Float64Array(k * k);
  const small = { rows: k, columns: k, depth: m };
  subtractProduct({ data: vy, at: 0, stride: k }, vt, { data: yt, at: 0, stride: m }, small);
  const halfSum = halfOf(t, vy, k);
  subtractProduct(w, v, { data: halfSum, at: 0, stride: k }, { rows: m, columns: k, depth: k });
  for (let i = 0; i < m; i++) {
    const at = i * 2 * k;
    for (let c = 0; c < k; c++) {
      right[at + c] = left[at + k + c]!;
      right[at + k + c] = left[at + c]!;
    }
  }
  const both = (values: Float64Array): Rows => ({ data: values, at: 0, stride: 2 * k });
  subtractProduct(rest, both(left), both(right), { rows: m, columns: m, depth: 2 * k, lower: true });
}

/**
 * Householder QR of a panel held by columns (WIDTH x m). Column c becomes R above and on the diagonal, below it reflection
 * c: I - scale v v', v_c = 1.
 * @returns the scales.
 */
function reflect(panel: Float64Array, m: number, k: number): Float64Array {
  const scales = new Float64Array(k);
  for (let c = 0; c < k; c++) {
    const at = c * m;
    let largest = 0;
    for (let i = c + 1; i < m; i++) largest = Math.max(largest, Math.abs(panel[at + i]!));
    if (largest > 0) {
      const alpha = panel[at + c]!;
      largest = Math.max(largest, Math.abs(alpha));
      let square = 0;
      for (let i = c; i < m; i++) square += (panel[at + i]! / largest) ** 2;
      const norm = largest * Math.sqrt(square);
      const beta = alpha >= 0 ? -norm : norm;
      scales[c] = (beta - alpha) / beta;
      const divisor = alpha - beta;
      for (let i = c + 1; i < m; i++) panel[at + i]! /= divisor;
      panel[at + c] = beta;
    }
    applyReflection(panel, m, c, scales[c]!);
  }
  return scales;
}

/** Reflection c applied to the columns after it, two at a time. */
function applyReflection(panel: Float64Array, m: number, c: number, scale: number): void {
  if (scale === 0) return;
  const at = c * m;
  for (let j = c + 1; j < WIDTH; j += 2) {
    const first = j * m;
    // An odd last column is done alone: its partner is itself, and is not written twice.
    const paired = j + 1 < WIDTH;
    const second = paired ? first + m : first;
    let p = panel[first + c]!;
    let q = panel[second + c]!;
    for (let i = c + 1; i < m; i++) {
      const v = panel[at + i]!;
      p += v * panel[first + i]!;
      q += v * panel[second + i]!;
    }
    p *= scale;
    q = paired ? q * scale : 0;
    panel[first + c]! -= p;
    panel[second + c]! -= q;
    for (let i = c + 1; i < m; i++) {
      const v = panel[at + i]!;
      panel[first + i]! -= p * v;
      panel[second + i]! -= q * v;
    }
  }
}

/** T (k x k, upper triangular) of the product of all reflections, I - V T V' (Schreiber and Van Loan 1989). */
function triangleOf(vt: Rows, m: number, k: number, scales: Float64Array): Float64Array {
  const products = new Float64Array(k * k);
  subtractProduct({ data: products, at: 0, stride: k }, vt, vt, { rows: k, columns: k, depth: m });
  const t = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    const scale = scales[i]!;
    t[i * k + i] = scale;
    for (let r = 0; r < i; r++) {
      let sum = 0;
      for (let q = r; q < i; q++) sum += t[r * k + q]! * products[q * k + i]!;
      // `products` holds -V'V.
      t[r * k + i] = scale * sum;
    }
  }
  return t;
}

/** x = Q' x = x - V T' V' x. */
function reflectVector({ data }: Rows, m: number, k: number, t: Float64Array, x: Float64Array): void {
  const inner = Float64Array.from({ length: k }, (_, c) => dot(data, c * m, x, 0, m));
  for (let c = 0; c < k; c++) {
    let sum = 0;
    for (let q = 0; q <= c; q++) sum += t[q * k + c]! * inner[q]!;
    for (let i = 0; i < m; i++) x[i]! -= sum * data[c * m + i]!;
  }
}

/** T' (V' Y) / 2, symmetric by its meaning and made so; `vy` holds -V'Y. */
function halfOf(t: Float64Array, vy: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      let sum = 0;
      for (let q = 0; q <= i; q++) sum -= t[q * k + i]! * vy[q * k + j]!;
      out[i * k + j]! += sum / 4;
      out[j * k + i]! += sum / 4;
    }
  }
  return out;
}

/**
 * Cholesky factorisation of band + shift I, and L^-1 v of each vector.
 * @returns null where it is not positive definite.
 */
export function factorBand(
  { n, width, entries }: Band,
  shift: number,
  vectors: readonly Float64Array[],
): { logDet: number; solved: Float64Array[] } | null {
  const l = entries.slice();
  const solved = vectors.map((vector) => vector.slice());
  const stride = width + 1;
  let logDet = 0;
  for (let i = 0; i < n; i++) {
    const first = Math.max(0, i - width);
    // l[rowI + j] is entry (i, j).
    const rowI = i * stride + width - i;
    for (let j = first; j < i; j++) {
      const rowJ = j * stride + width - j;
      const product = bandDot(l, rowI, rowJ, Math.max(first, j - width), j);
      l[rowI + j] = (l[rowI + j]! - product) / l[rowJ + j]!;
    }
    let pivot = l[rowI + i]! + shift - bandDot(l, rowI, rowI, first, i);
    // Written so that NaN is refused too.
    if (!(pivot > 0)) return null;
    logDet += Math.log(pivot);
    pivot = Math.sqrt(pivot);
    l[rowI + i] = pivot;
    for (const vector of solved) {
      let sum = vector[i]!;
      for (let k = first; k < i; k++) sum -= l[rowI + k]! * vector[k]!;
      vector[i] = sum / pivot;
    }
  }
  return { logDet, solved };
}

/** Sum of l[a + k] l[b + k] over from <= k < to: four sums, because one alone waits for each of its additions. */
function bandDot(l: Float64Array, a: number, b: number, from: number, to: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = from;
  for (; k + 4 <= to; k += 4) {
    s0 += l[a + k]! * l[b + k]!;
    s1 += l[a + k + 1]! * l[b + k + 1]!;
    s2 += l[a + k + 2]! * l[b + k + 2]!;
    s3 += l[a + k + 3]! * l[b + k + 3]!;
  }
  for (; k < to; k++) s0 += l[a + k]! * l[b + k]!;
  return s0 + s1 + (s2 + s3);
}
