import { TitrateError, type FeatureMatrix } from '../../contracts';
import { COVARIANCE_MAX_ROWS, type Prediction } from '../learning';
import { dot, solveLowerInPlace } from './cholesky';
import { encodeRows, type EncodedRows } from './feature-space';
import { probabilityMoments } from './link';
import { noiseDeviation, type PreparedModel } from './model';
import { subtractProduct } from './products';
import { buildReference, kernelMatrix, kernelRows } from './tanimoto';

/** Queries solved together: they share each pass over the factor. */
const QUERY_BLOCK = 256;

/** Rows from `from` on, seen from the model. */
export interface Projection {
  /** In standardised units, length = rows. */
  readonly mean: Float64Array;
  /** Row-major rows x n: whitened kernel values, whose products are what is explained of the prior covariance. */
  readonly explained: Float64Array;
  /** Sparse: the same shape, whose products are what the labels leave open of that after all. */
  readonly open?: Float64Array;
}

/** @param storage at least count x n values; returned as `explained`. */
export function project(
  model: PreparedModel,
  query: EncodedRows,
  from: number,
  count: number,
  storage: Float64Array,
): Projection {
  const n = model.rootWeights.length;
  const mean = new Float64Array(count);
  kernelRows(model.reference, query, from, count, storage);
  for (let q = 0; q < count; q++) {
    mean[q] = model.mean + dot(storage, q * n, model.coefficients, 0, n);
    for (let i = 0; i < n; i++) storage[q * n + i]! *= model.rootWeights[i]!;
  }
  const explained = storage.subarray(0, count * n);
  solveLowerInPlace(model.factor, n, explained, count);
  if (!model.correction) return { mean, explained };
  const root = Math.sqrt(model.noiseRatio);
  const open = explained.map((value) => root * value);
  solveLowerInPlace(model.correction, n, open, count);
  return { mean, explained, open };
}

/** What is left of the prior variance of projected row q, as a share of it. */
function shareLeft({ explained, open }: Projection, n: number, q: number): number {
  const known = dot(explained, q * n, explained, q * n, n);
  return Math.max(0, 1 - known + (open ? dot(open, q * n, open, q * n, n) : 0));
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
  for (let from = 0; from < query.rows; from += QUERY_BLOCK) {
    const count = Math.min(QUERY_BLOCK, query.rows - from);
    const part = project(model, query, from, count, block);
    for (let q = 0; q < count; q++) {
      mean[from + q] = model.shift + model.scale * part.mean[q]!;
      deviation[from + q] = model.scale * Math.sqrt(model.signalVariance * shareLeft(part, n, q));
    }
  }
  return { mean, deviation };
}

/**
 * Posterior covariance of the noise-free function at encoded rows, in units of the prior variance; row-major rows x rows, only
 * the lower triangle.
 */
export function relativeCovariance(
  model: PreparedModel,
  query: EncodedRows,
  { explained, open }: Projection,
): Float64Array {
  const n = model.rootWeights.length;
  const { rows } = query;
  const covariance = kernelMatrix(buildReference(query, model.reference.mix));
  const out = { data: covariance, at: 0, stride: rows };
  const whitened = { data: explained, at: 0, stride: n };
  const size = { rows, columns: rows, depth: n, lower: true };
  subtractProduct(out, whitened, whitened, size);
  if (open) {
    const negative = { data: open.map((value) => -value), at: 0, stride: n };
    subtractProduct(out, { data: open, at: 0, stride: n }, negative, size);
  }
  return covariance;
}

/**
 * Joint covariance of the noise-free function at the rows, in squared units of the targets; rows x rows, row-major, symmetric.
 * Its diagonal is the square of the epistemic deviation that `predict` gives.
 * @throws usage above COVARIANCE_MAX_ROWS rows
 */
export function jointCovariance(model: PreparedModel, features: FeatureMatrix): Float64Array {
  const { rows } = features;
  if (rows > COVARIANCE_MAX_ROWS) {
    throw new TitrateError('usage', {
      what: `the joint covariance of ${rows} rows was asked for, ${COVARIANCE_MAX_ROWS} at most`,
      remedy: 'Ask for fewer rows, or for joint draws',
    });
  }
  const query = encodeRows(model.space, features);
  const n = model.rootWeights.length;
  const projection = project(model, query, 0, rows, new Float64Array(rows * n));
  const covariance = relativeCovariance(model, query, projection);
  const unit = model.scale ** 2 * model.signalVariance;
  // On the diagonal as predictions sum it, so that the two agree where little is left.
  const deviations = Float64Array.from({ length: rows }, (_, i) => Math.sqrt(shareLeft(projection, n, i)));
  const factors = model.link && spreads(model, projection, rows);
  for (let i = 0; i < rows; i++) {
    covariance[i * rows + i] = deviations[i]! ** 2;
    for (let j = 0; j <= i; j++) {
      const value = unit * covariance[i * rows + j]! * (factors ? factors[i]! * factors[j]! : 1);
      covariance[i * rows + j] = value;
      covariance[j * rows + i] = value;
    }
  }
  return covariance;
}

/**
 * Classification: what a deviation of the log odds is as one of the probability. Probabilities are taken to be correlated as their log
 * odds are.
 */
export function spreads(model: PreparedModel, projection: Projection, rows: number): Float64Array {
  const n = model.rootWeights.length;
  const unit = model.scale * Math.sqrt(model.signalVariance);
  return Float64Array.from({ length: rows }, (_, i) => {
    const deviation = unit * Math.sqrt(shareLeft(projection, n, i));
    const latent = { mean: model.shift + projection.mean[i]!, deviation };
    return deviation > 0 ? spreadOf(latent) / deviation : 0;
  });
}

/** Standard deviation of the probability. */
function spreadOf({ mean, deviation }: { mean: number; deviation: number }): number {
  const { first, second } = probabilityMoments(mean, deviation);
  return Math.sqrt(Math.max(0, second - first * first));
}

/** As `Prediction` has it. */
export function predict(model: PreparedModel, features: FeatureMatrix): Prediction {
  const { mean, deviation } = predictLatent(model, features);
  if (!model.link)
    return {
      mean,
      aleatoric: new Float64Array(mean.length).fill(noiseDeviation(model)),
      epistemic: deviation,
    };
  const out = {
    mean: new Float64Array(mean.length),
    aleatoric: new Float64Array(mean.length),
    epistemic: new Float64Array(mean.length),
  };
  mean.forEach((value, i) => {
    const { first, second } = probabilityMoments(value, deviation[i]!);
    out.mean[i] = first;
    out.aleatoric[i] = Math.sqrt(Math.max(0, first - second));
    out.epistemic[i] = Math.sqrt(Math.max(0, second - first * first));
  });
  return out;
}
