import {
  choleskyInPlace,
  dot,
  logDeterminant,
  solveLowerInPlace,
  solveLowerTransposeInPlace,
} from './cholesky';
import type { EncodedRows } from './feature-space';
import { inverseOfProduct } from './inverse';
import { profiledMoments } from './marginal-likelihood';
import { buildReference, kernelMatrix, squaredDistance, type KernelMix } from './tanimoto';

/**
 * Logarithms of the product's and the descriptors' weight over the structure's, of the length scale, and of the noise ratio:
 * the parameters of the marginal likelihood of marginal-likelihood.ts where the kernel is a mix.
 */
export type MixPoint = readonly [product: number, descriptors: number, length: number, noise: number];
const PARAMETERS = 4;

export function mixAt([product, descriptors, length]: readonly number[]): KernelMix {
  const [p, d] = [product!, descriptors!];
  const top = Math.max(0, p, d);
  const parts = [Math.exp(-top), Math.exp(p - top), Math.exp(d - top)] as const;
  const sum = parts[0] + parts[1] + parts[2];
  return {
    structure: parts[0] / sum,
    product: parts[1] / sum,
    descriptors: parts[2] / sum,
    lengthScale: Math.exp(length!),
  };
}

/** n measured rows: what of their kernel no parameter changes, and their values. */
export interface MixRows {
  /** Row-major n x n, lower triangle: the MinMax kernel T, and |u - v|^2 / 4 D. */
  readonly alike: Float64Array;
  readonly far: Float64Array;
  readonly values: Float64Array;
  readonly weights: Float64Array;
}

/** @param values standardised; `weights` > 0. */
export function mixRows(encoded: EncodedRows, values: Float64Array, weights: Float64Array): MixRows {
  const n = values.length;
  const alike = kernelMatrix(buildReference({ ...encoded, width: 0 }));
  const far = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++)
      far[i * n + j] = squaredDistance(encoded, i, encoded, j) / (4 * encoded.width);
  return { alike, far, values, weights };
}

/** @param rows ascending. */
export function selectMixRows({ alike, far, values, weights }: MixRows, rows: readonly number[]): MixRows {
  const n = values.length;
  const m = rows.length;
  const part = (whole: Float64Array) => {
    const out = new Float64Array(m * m);
    rows.forEach((a, i) => {
      for (let j = 0; j <= i; j++) out[i * m + j] = whole[a * n + rows[j]!]!;
    });
    return out;
  };
  return {
    alike: part(alike),
    far: part(far),
    values: Float64Array.from(rows, (row) => values[row]!),
    weights: Float64Array.from(rows, (row) => weights[row]!),
  };
}

/** The likelihood at one point, mean and signal variance at their best. */
export interface MixEvidence {
  /** Nats. */
  readonly logLikelihood: number;
  /**
   * By the parameters: the gradient, and the average of the observed and the expected information (Gilmour, Thompson and
   * Cullis 1995, Biometrics 51, 1440), 4 x 4, which costs no more than the gradient.
   */
  derivatives(): { gradient: Float64Array; information: Float64Array };
}

/** @returns null where the covariance is not positive definite. */
export function mixEvidence(rows: MixRows, point: readonly number[]): MixEvidence | null {
  const { alike, far, values, weights } = rows;
  const n = values.length;
  const { structure, product, descriptors, lengthScale } = mixAt(point);
  const noise = Math.exp(point[3]!);
  const sharpness = -1 / lengthScale ** 2;
  const roots = weights.map(Math.sqrt);
  const near = new Float64Array(n * n);
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const r = Math.exp(sharpness * far[row + j]!);
      const kernel = structure * alike[row + j]! + (product * alike[row + j]! + descriptors) * r;
      near[row + j] = r;
      factor[row + j] = roots[i]! * roots[j]! * kernel;
    }
    factor[row + i]! += noise;
  }
  if (choleskyInPlace(factor, n) >= 0) return null;
  const y = values.map((value, i) => value * roots[i]!);
  const ones = roots.slice();
  solveLowerInPlace(factor, n, y, 1);
  solveLowerInPlace(factor, n, ones, 1);
  const logWeights = weights.reduce((sum, weight) => sum + Math.log(weight), 0);
  const moments = profiledMoments(y, ones, n, logDeterminant(factor, n) - logWeights);
  if (!Number.isFinite(moments.logLikelihood)) return null;
  const { mean, signalVariance, logLikelihood } = moments;

  const derivatives = () => {
    // C^-1 W^1/2 (y - m): the residuals as the derivatives see them.
    const pull = y.map((value, i) => value - mean * ones[i]!);
    solveLowerTransposeInPlace(factor, n, pull);
    const inverse = inverseOfProduct(factor, n);
    const weighted = pull.map((value, i) => value * roots[i]!);
    // Of each parameter, with D the kernel's derivative by it: D pull, and tr(C^-1 D).
    const moved = Array.from({ length: PARAMETERS }, () => new Float64Array(n));
    const [byProduct, byDescriptors, byLength, byNoise] = moved as Four;
    let [productTrace, descriptorTrace, lengthTrace, noiseTrace] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const row = i * n;
      const own = weighted[i]!;
      let [p, d, l] = [0, 0, 0];
      // The kernel's diagonal is 1 whatever the mix, so that only the noise moves it.
      for (let j = 0; j < i; j++) {
        const t = alike[row + j]!;
        const r = near[row + j]!;
        const kernel = structure * t + (product * t + descriptors) * r;
        const dProduct = product * (t * r - kernel);
        const dDescriptors = descriptors * (r - kernel);
        const dLength = -2 * sharpness * far[row + j]! * (product * t + descriptors) * r;
        const q = 2 * roots[i]! * roots[j]! * inverse[row + j]!;
        productTrace += q * dProduct;
        descriptorTrace += q * dDescriptors;
        lengthTrace += q * dLength;
        const other = weighted[j]!;
        p += dProduct * other;
        d += dDescriptors * other;
        l += dLength * other;
        byProduct[j]! += dProduct * own;
        byDescriptors[j]! += dDescriptors * own;
        byLength[j]! += dLength * own;
      }
      byProduct[i]! += p;
      byDescriptors[i]! += d;
      byLength[i]! += l;
      byNoise[i] = noise * pull[i]!;
      noiseTrace += noise * inverse[row + i]!;
    }
    for (const by of [byProduct, byDescriptors, byLength]) for (let i = 0; i < n; i++) by[i]! *= roots[i]!;
    const traces = [productTrace, descriptorTrace, lengthTrace, noiseTrace];
    const pulls = moved.map((by) => dot(pull, 0, by, 0, n) / signalVariance);
    for (const by of moved) solveLowerInPlace(factor, n, by, 1);
    return {
      gradient: Float64Array.from(traces, (trace, k) => (pulls[k]! - trace) / 2),
      // What the signal variance takes up is no information: the last term.
      information: Float64Array.from({ length: PARAMETERS ** 2 }, (_, at) => {
        const [a, b] = [Math.floor(at / PARAMETERS), at % PARAMETERS];
        return (dot(moved[a]!, 0, moved[b]!, 0, n) / signalVariance - (pulls[a]! * pulls[b]!) / n) / 2;
      }),
    };
  };
  return { logLikelihood, derivatives };
}

type Four = [Float64Array, Float64Array, Float64Array, Float64Array];
