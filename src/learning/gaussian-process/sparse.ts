import { dot, logDeterminant, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { factorWithJitter, shifted } from './model';
import { subtractProduct } from './products';
import { kernelRows, type TanimotoReference } from './tanimoto';
import type { EncodedRows } from './feature-space';

/**
 * The sparse form: the variational posterior of Titsias (2009, "Variational learning of inducing variables in sparse Gaussian
 * processes"; Burt, Rasmussen and van der Wilk 2020, J. Mach. Learn. Res. 21, 131). Training sees of the prior covariance what the
 * inducing molecules explain, Phi Phi', with Phi = L^-1 k(Z, x) of each row and L L' the kernel of the inducing molecules Z;
 * predictions have the rest of their own variance back. With all rows inducing nothing is left out: the exact process.
 */
export interface SparseRows {
  readonly rows: number;
  readonly inducing: number;
  /** Phi, row-major rows x inducing. */
  readonly phi: Float64Array;
  /** What is left of each row's own prior variance, length rows, at least 0. */
  readonly rest: Float64Array;
}

/** Rows worked on together. */
const ROW_BLOCK = 512;

/** @param reference the inducing molecules; `factor` that of their kernel. */
export function sparseRows(
  reference: TanimotoReference,
  factor: Float64Array,
  encoded: EncodedRows,
): SparseRows {
  const { rows } = encoded;
  const m = reference.encoded.rows;
  const phi = new Float64Array(rows * m);
  const rest = new Float64Array(rows);
  for (let from = 0; from < rows; from += ROW_BLOCK) {
    const count = Math.min(ROW_BLOCK, rows - from);
    kernelRows(reference, encoded, from, count, phi.subarray(from * m));
    solveLowerInPlace(factor, m, phi.subarray(from * m, (from + count) * m), count);
    for (let r = from; r < from + count; r++) rest[r] = Math.max(0, 1 - dot(phi, r * m, phi, r * m, m));
  }
  return { rows, inducing: m, phi, rest };
}

/** What the posterior of the inducing molecules needs of the rows: Phi' W Phi and Phi' W x for each vector x. */
export interface Gram {
  /** Row-major inducing x inducing, lower triangle. */
  readonly matrix: Float64Array;
  readonly vectors: Float64Array[];
}

export function gram(
  { rows, inducing: m, phi }: SparseRows,
  weights: Float64Array,
  vectors: readonly Float64Array[],
): Gram {
  const matrix = new Float64Array(m * m);
  const sums = vectors.map(() => new Float64Array(m));
  const block = new Float64Array(Math.min(ROW_BLOCK, rows) * m);
  for (let from = 0; from < rows; from += ROW_BLOCK) {
    const count = Math.min(ROW_BLOCK, rows - from);
    // Turned, so that a row holds one inducing molecule; negative, because products are subtracted.
    for (let r = 0; r < count; r++) {
      const root = Math.sqrt(weights[from + r]!);
      for (let i = 0; i < m; i++) block[i * count + r] = root * phi[(from + r) * m + i]!;
      sums.forEach((sum, v) => {
        const factor = weights[from + r]! * vectors[v]![from + r]!;
        if (factor !== 0) for (let i = 0; i < m; i++) sum[i]! += factor * phi[(from + r) * m + i]!;
      });
    }
    const turned = { data: block, at: 0, stride: count };
    const size = { rows: m, columns: m, depth: count, lower: true };
    subtractProduct({ data: matrix, at: 0, stride: m }, turned, turned, size);
  }
  for (let i = 0; i < m; i++) for (let j = 0; j <= i; j++) matrix[i * m + j] = -matrix[i * m + j]!;
  return { matrix, vectors: sums };
}

export interface SparsePosterior {
  readonly gram: Float64Array;
  /** Phi' W (y - m). */
  readonly projection: Float64Array;
  readonly mean: number;
  /** (y - m)' C^-1 (y - m), C the covariance of y in units of the signal variance. */
  readonly quadratic: number;
  /** log det C over the rows of positive weight. */
  readonly logDet: number;
  /** m + Phi v at each row. */
  readonly latent: Float64Array;
  /** Lower factor of Phi' W Phi + ratio I. */
  readonly factor: Float64Array;
}

/**
 * The posterior of the inducing molecules given targets and weights of the rows.
 * @param mean given, or the generalised least squares estimate.
 * @throws numerical
 */
export function solveSparse(
  basis: SparseRows,
  targets: Float64Array,
  weights: Float64Array,
  noiseRatio: number,
  given?: number,
): SparsePosterior {
  const { rows, inducing: m, phi } = basis;
  const ones = new Float64Array(rows).fill(1);
  const { matrix, vectors } = gram(basis, weights, [targets, ones]);
  const [byTargets, byOnes] = vectors as [Float64Array, Float64Array];
  const { factor } = factorWithJitter(() => shifted(matrix, m, noiseRatio), m, noiseRatio);
  const a = byTargets.slice();
  const b = byOnes.slice();
  solveLowerInPlace(factor, m, a, 1);
  solveLowerInPlace(factor, m, b, 1);
  let [yy, y1, oneOne] = [-dot(a, 0, a, 0, m), -dot(a, 0, b, 0, m), -dot(b, 0, b, 0, m)];
  let logDet = logDeterminant(factor, m) - m * Math.log(noiseRatio);
  for (let i = 0; i < rows; i++) {
    const w = weights[i]!;
    if (w === 0) continue;
    yy += w * targets[i]! ** 2;
    y1 += w * targets[i]!;
    oneOne += w;
    logDet += Math.log(noiseRatio / w);
  }
  const mean = given ?? (oneOne > 0 ? y1 / oneOne : 0);
  const quadratic = Math.max(0, yy - 2 * mean * y1 + mean * mean * oneOne) / noiseRatio;
  const projection = byTargets.map((value, i) => value - mean * byOnes[i]!);
  const v = projection.slice();
  solveLowerInPlace(factor, m, v, 1);
  solveLowerTransposeInPlace(factor, m, v);
  const latent = Float64Array.from({ length: rows }, (_, r) => mean + dot(phi, r * m, v, 0, m));
  return { gram: matrix, projection, mean, quadratic, logDet, latent, factor };
}
