import type { FeatureMatrix } from '../../contracts';
import { choleskyInPlace, dot, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { encodeRows } from './feature-space';
import type { PreparedModel } from './model';
import { project } from './posterior';
import { sharedFloat64 } from './shared-arrays';

/**
 * A few directions that hold most of what the labels explain of a pool. With k the kernel values of a row, its variance is 1 - k'Q k
 * (in units of the prior's), Q = L^-T M L^-1 positive semi-definite, M = I - C^-1 of the sparse form and I of the exact one. For any V,
 * V'Q projected is no more than Q: Q V (V'Q V)^-1 V'Q <= Q. So |B k|^2 <= k'Q k for B = chol(V'Q V)^-1 V'Q, and 1 - |B k|^2 is never below
 * the variance: what is learnt from the labels through a few linear measurements of them is never more than from all.
 */
export interface Directions {
  /** B, row-major count x n. */
  readonly rows: Float64Array;
  readonly count: number;
}

/** Directions looked for; a candidate costs as much for them as for half its descriptor distances (measured). */
export const DIRECTIONS = 23;
/** Rows of the pool that the directions are learnt from. */
export const DIRECTION_SAMPLE = 256;
/** Rounds of subspace iteration: enough to tell large variances from small, which is all a bound asks. */
const ROUNDS = 4;

/** The directions of greatest explained variance among sampled rows, by subspace iteration from a fixed start. */
export function findDirections(model: PreparedModel, sample: FeatureMatrix): Directions {
  const n = model.rootWeights.length;
  const query = encodeRows(model.space, sample);
  const { explained } = project(model, query, 0, query.rows, new Float64Array(query.rows * n));
  let basis: Float64Array[] = [];
  for (let j = 0; j < Math.min(DIRECTIONS, query.rows, n); j++) {
    const row = Math.floor(((j + 0.5) * query.rows) / DIRECTIONS) % query.rows;
    basis.push(explained.slice(row * n, (row + 1) * n));
  }
  basis = orthonormal(basis);
  for (let round = 0; round < ROUNDS; round++) {
    const next = basis.map(() => new Float64Array(n));
    for (let r = 0; r < query.rows; r++) {
      basis.forEach((vector, j) => {
        const weight = dot(explained, r * n, vector, 0, n);
        const target = next[j]!;
        for (let i = 0; i < n; i++) target[i]! += weight * explained[r * n + i]!;
      });
    }
    basis = orthonormal(next);
  }
  return directionsAlong(model, basis);
}

/** Gram and Schmidt, twice, which is enough; what nothing is left of is left out. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const out: Float64Array[] = [];
  for (const vector of vectors) {
    const n = vector.length;
    const before = Math.sqrt(dot(vector, 0, vector, 0, n));
    for (let pass = 0; pass < 2; pass++) {
      for (const other of out) {
        const shared = dot(vector, 0, other, 0, n);
        for (let i = 0; i < n; i++) vector[i]! -= shared * other[i]!;
      }
    }
    const length = Math.sqrt(dot(vector, 0, vector, 0, n));
    if (!(length > 1e-9 * before)) continue;
    out.push(vector.map((value) => value / length));
  }
  return out;
}

/** B of orthonormal vectors P = L' V in the whitened space: chol(P'M P)^-1 P'M L^-1, with the roots of the weights. */
function directionsAlong(model: PreparedModel, basis: readonly Float64Array[]): Directions {
  const { factor, correction, rootWeights, noiseRatio } = model;
  const n = rootWeights.length;
  let count = basis.length;
  const images = basis.map((vector) => {
    if (!correction) return vector.slice();
    const solved = vector.slice();
    solveLowerInPlace(correction, n, solved, 1);
    solveLowerTransposeInPlace(correction, n, solved);
    return vector.map((value, i) => value - noiseRatio * solved[i]!);
  });
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j <= i; j++) gram[i * count + j] = dot(basis[i]!, 0, images[j]!, 0, n);
  const failed = choleskyInPlace(gram, count);
  // Along the rest the labels say nothing.
  const stride = count;
  if (failed >= 0) count = failed;
  const rows = sharedFloat64(count * n);
  for (let i = 0; i < count; i++) {
    const row = images[i]!;
    for (let j = 0; j < i; j++) {
      const share = gram[i * stride + j]!;
      for (let k = 0; k < n; k++) row[k]! -= share * images[j]![k]!;
    }
    for (let k = 0; k < n; k++) row[k]! /= gram[i * stride + i]!;
  }
  for (let i = 0; i < count; i++) {
    const row = images[i]!;
    solveLowerTransposeInPlace(factor, n, row);
    for (let k = 0; k < n; k++) rows[i * n + k] = row[k]! * rootWeights[k]!;
  }
  return { rows, count };
}
