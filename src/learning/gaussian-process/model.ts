import { TitrateError, type FeatureMatrix } from '../../contracts';
import { choleskyInPlace, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { buildFeatureSpace, encodeRows, type FeatureSpace } from './feature-space';
import { sharedFloat64 } from './shared-arrays';
import { buildReference, kernelMatrix, type KernelMix, type TanimotoReference } from './tanimoto';

/** What a fitted GP is: everything else is computed from this, the same way after a fit and after a load. */
export interface GaussianProcessDefinition {
  readonly features: FeatureMatrix;
  /** Where descriptors stand apart from the structure. */
  readonly mix?: KernelMix;
  /** Classification: the function is the log odds of 1, and the targets are sites (laplace.ts). */
  readonly link?: 'logit';
  /** The sparse form: the features are those of the inducing molecules, and there are neither targets nor weights. */
  readonly inducing?: InducingPosterior;
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

/** What is kept of all the rows that a sparse model was trained on. */
export interface InducingPosterior {
  /** Quantiles of the descriptors among all rows. */
  readonly space: Omit<FeatureSpace, 'keys'>;
  /** Phi' W Phi, row-major m x m, lower triangle, and Phi' W (y - m), of sparse.ts. */
  readonly gram: Float64Array;
  readonly projection: Float64Array;
}

/** Ready to predict. All arrays lie on shared memory, so threads read one copy. */
export interface PreparedModel {
  readonly space: FeatureSpace;
  readonly reference: TanimotoReference;
  readonly link?: 'logit';
  /** Sparse: 1 each. */
  readonly rootWeights: Float64Array;
  /** Lower Cholesky factor of W^1/2 K W^1/2 + ratio I (+ jitter), row-major n x n. Sparse: of K (+ jitter). */
  readonly factor: Float64Array;
  /** Sparse only: lower Cholesky factor of Phi' W Phi + ratio I. */
  readonly correction?: Float64Array;
  /** W^1/2 (A + ratio I)^-1 W^1/2 (y - m), length n. Sparse: L^-T (Phi' W Phi + ratio I)^-1 Phi' W (y - m). */
  readonly coefficients: Float64Array;
  readonly noiseRatio: number;
  readonly signalVariance: number;
  readonly mean: number;
  readonly shift: number;
  readonly scale: number;
  /** What had to be added to the diagonal; 0 for a well-conditioned kernel. */
  readonly jitter: number;
}

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

/** The training rows in their feature space, and their kernel where it is at hand. */
export interface TrainingRows {
  readonly space: FeatureSpace;
  readonly reference: TanimotoReference;
  /** Row-major n x n, at least the lower triangle. */
  readonly kernel: Float64Array;
}

/** A definition, and what its fit computed of the training rows where the model needs it again. */
export interface Learnt {
  readonly definition: GaussianProcessDefinition;
  readonly training?: TrainingRows;
}

/** @param known what a fit has computed already. @throws numerical */
export function prepareModel(definition: GaussianProcessDefinition, known?: TrainingRows): PreparedModel {
  if (definition.inducing) return prepareSparse(definition, definition.inducing);
  const { targets, weights, noiseRatio, mean } = definition;
  const n = targets.length;
  const { space, reference, kernel } = known ?? trainingRows(definition);
  const rootWeights = sharedFloat64(n);
  for (let i = 0; i < n; i++) rootWeights[i] = Math.sqrt(weights[i]!);
  const storage = sharedFloat64(n * n);
  const build = () => weightedKernel(kernel, rootWeights, noiseRatio, storage);
  const { factor, jitter } = factorWithJitter(build, n, noiseRatio);
  const coefficients = sharedFloat64(n);
  for (let i = 0; i < n; i++) coefficients[i] = rootWeights[i]! * (targets[i]! - mean);
  solveLowerInPlace(factor, n, coefficients, 1);
  solveLowerTransposeInPlace(factor, n, coefficients);
  for (let i = 0; i < n; i++) coefficients[i]! *= rootWeights[i]!;
  return { ...scalars(definition), space, reference, rootWeights, factor, coefficients, jitter };
}

function prepareSparse(
  definition: GaussianProcessDefinition,
  { space: quantiles, gram, projection }: InducingPosterior,
): PreparedModel {
  const { features, mix, noiseRatio } = definition;
  const m = features.rows;
  const space = { ...quantiles, keys: buildFeatureSpace(features).keys };
  const reference = buildReference(encodeRows(space, features), mix);
  const { factor, jitter } = factorInducing(reference);
  const { factor: correction } = factorWithJitter(() => shifted(gram, m, noiseRatio), m, noiseRatio);
  const coefficients = sharedFloat64(m);
  coefficients.set(projection);
  for (const triangle of [correction, factor]) {
    if (triangle === correction) solveLowerInPlace(triangle, m, coefficients, 1);
    solveLowerTransposeInPlace(triangle, m, coefficients);
  }
  const rootWeights = sharedFloat64(m).fill(1);
  return { ...scalars(definition), space, reference, rootWeights, factor, correction, coefficients, jitter };
}

/** Factor of the kernel of inducing molecules. @throws numerical */
export function factorInducing(reference: TanimotoReference): { factor: Float64Array; jitter: number } {
  const m = reference.encoded.rows;
  const kernel = kernelMatrix(reference);
  return factorWithJitter(() => shifted(kernel, m, 0), m, 1);
}

/** matrix + shift I, on shared memory. */
export function shifted(matrix: Float64Array, m: number, shift: number): Float64Array {
  const out = sharedFloat64(m * m);
  out.set(matrix);
  for (let i = 0; i < m; i++) out[i * m + i]! += shift;
  return out;
}

function scalars({ link, noiseRatio, signalVariance, mean, shift, scale }: GaussianProcessDefinition) {
  return { link, noiseRatio, signalVariance, mean, shift, scale };
}

function trainingRows({ features, mix }: GaussianProcessDefinition): TrainingRows {
  const space = buildFeatureSpace(features);
  const reference = buildReference(encodeRows(space, features), mix);
  return { space, reference, kernel: kernelMatrix(reference) };
}

/** Standard deviation of one measurement, in the targets' unit. */
export function noiseDeviation(model: PreparedModel): number {
  return model.scale * Math.sqrt(model.signalVariance * model.noiseRatio);
}
