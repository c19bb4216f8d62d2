import { TitrateError, type FeatureMatrix } from '../../contracts';
import { choleskyInPlace, dot, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { buildFeatureSpace, encodeRows, type FeatureSpace } from './feature-space';
import { sharedFloat64 } from './shared-arrays';
import { buildReference, kernelMatrix, kernelRow, type TanimotoReference } from './tanimoto';

/** What a fitted GP is: everything else is computed from this, the same way after a fit and after a load. */
export interface GaussianProcessDefinition {
  readonly features: FeatureMatrix;
  /** Standardised targets; of a censored row, the location of its site. */
  readonly targets: Float64Array;
  /** Measurements averaged into each row; of a censored row, the weight of its site, 0 to 1. */
  readonly weights: Float64Array;
  readonly noiseRatio: number;
  /** In standardised units. */
  readonly signalVariance: number;
  readonly mean: number;
  /** Standardised = (target - shift) / scale. */
  readonly shift: number;
  readonly scale: number;
  readonly facts: Readonly<Record<string, number | string>>;
}

/** Ready to predict. All arrays lie on shared memory, so threads read one copy. */
export interface PreparedModel {
  readonly space: FeatureSpace;
  readonly reference: TanimotoReference;
  readonly rootWeights: Float64Array;
  /** Lower Cholesky factor of W^1/2 K W^1/2 + ratio I (+ jitter), row-major n x n. */
  readonly factor: Float64Array;
  /** W^1/2 (A + ratio I)^-1 W^1/2 (y - m), length n. */
  readonly coefficients: Float64Array;
  readonly noiseRatio: number;
  readonly signalVariance: number;
  readonly mean: number;
  readonly shift: number;
  readonly scale: number;
  /** What had to be added to the diagonal; 0 for a well-conditioned kernel. */
  readonly jitter: number;
}

/** Queries solved together: they share each pass over the factor. */
const QUERY_BLOCK = 64;
/** Relative jitter tried in turn when a factorisation fails. */
const JITTER = [0, 1e-10, 1e-8, 1e-6, 1e-4] as const;

/**
 * Cholesky factor of `build()`, adding jitter to the diagonal as needed.
 * @param build gives a fresh matrix (row-major, lower triangle) each time; its diagonal is of size `size`.
 * @throws numerical
 */
export function factorWithJitter(
  build: () => Float64Array,
  n: number,
  size: number,
): { factor: Float64Array; jitter: number } {
  for (const step of JITTER) {
    const factor = build();
    const jitter = step * size;
    for (let i = 0; i < n; i++) factor[i * n + i]! += jitter;
    if (choleskyInPlace(factor, n) < 0) return { factor, jitter };
  }
  throw new TitrateError('numerical', {
    what: `a covariance matrix of ${n} rows is not positive definite, even with jitter of ${JITTER.at(-1)! * size} on its diagonal`,
    remedy: 'Look for values that are not finite or out of all proportion among features and targets',
  });
}

/** W^1/2 K W^1/2 + ratio I, lower triangle. */
export function weightedKernel(
  kernel: Float64Array,
  rootWeights: Float64Array,
  noiseRatio: number,
  out: Float64Array,
): Float64Array {
  const n = rootWeights.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) out[i * n + j] = rootWeights[i]! * rootWeights[j]! * kernel[i * n + j]!;
    out[i * n + i]! += noiseRatio;
  }
  return out;
}

/** @throws numerical */
export function prepareModel(definition: GaussianProcessDefinition): PreparedModel {
  const { targets, weights, noiseRatio, mean } = definition;
  const n = targets.length;
  const space = buildFeatureSpace(definition.features);
  const reference = buildReference(encodeRows(space, definition.features));
  const rootWeights = sharedFloat64(n);
  for (let i = 0; i < n; i++) rootWeights[i] = Math.sqrt(weights[i]!);
  const kernel = kernelMatrix(reference);
  const storage = sharedFloat64(n * n);
  const build = () => weightedKernel(kernel, rootWeights, noiseRatio, storage);
  const { factor, jitter } = factorWithJitter(build, n, noiseRatio);
  const coefficients = sharedFloat64(n);
  for (let i = 0; i < n; i++) coefficients[i] = rootWeights[i]! * (targets[i]! - mean);
  solveLowerInPlace(factor, n, coefficients, 1);
  solveLowerTransposeInPlace(factor, n, coefficients);
  for (let i = 0; i < n; i++) coefficients[i]! *= rootWeights[i]!;
  const { signalVariance, shift, scale } = definition;
  return {
    space,
    reference,
    rootWeights,
    factor,
    coefficients,
    noiseRatio,
    signalVariance,
    mean,
    shift,
    scale,
    jitter,
  };
}

/** Mean and latent standard deviation of the noise-free function at each row, in the targets' unit. */
export function predictLatent(
  model: PreparedModel,
  features: FeatureMatrix,
): { mean: Float64Array; deviation: Float64Array } {
  const query = encodeRows(model.space, features);
  const n = model.rootWeights.length;
  const mean = new Float64Array(query.rows);
  const deviation = new Float64Array(query.rows);
  const block = new Float64Array(Math.min(QUERY_BLOCK, query.rows) * n);
  const overlap = new Int32Array(n);
  for (let from = 0; from < query.rows; from += QUERY_BLOCK) {
    const count = Math.min(QUERY_BLOCK, query.rows - from);
    for (let q = 0; q < count; q++) {
      kernelRow(model.reference, query, from + q, overlap, block, q * n);
      mean[from + q] = model.shift + model.scale * (model.mean + dot(block, q * n, model.coefficients, 0, n));
      for (let i = 0; i < n; i++) block[q * n + i]! *= model.rootWeights[i]!;
    }
    solveLowerInPlace(model.factor, n, block, count);
    for (let q = 0; q < count; q++) {
      const explained = dot(block, q * n, block, q * n, n);
      deviation[from + q] = model.scale * Math.sqrt(model.signalVariance * Math.max(0, 1 - explained));
    }
  }
  return { mean, deviation };
}

/** Standard deviation of one measurement, in the targets' unit. */
export function noiseDeviation(model: PreparedModel): number {
  return model.scale * Math.sqrt(model.signalVariance * model.noiseRatio);
}
