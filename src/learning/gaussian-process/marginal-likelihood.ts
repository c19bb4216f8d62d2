import { TitrateError } from '../../contracts';
import { dot } from './cholesky';
import { factorBand, reduceToBand, type Band } from './band';
import { tridiagonalise } from './tridiagonal';

/**
 * The model: y_i = m + f(x_i) + e_i, f ~ GP(0, s2 k), e_i ~ N(0, s2 ratio / w_i), with w_i the measurements averaged into
 * y_i. With W = diag(w), the covariance of y is s2 W^-1/2 (A + ratio I) W^-1/2, A = W^1/2 K W^1/2: unequal replicates
 * only rescale the kernel. A is reduced once to a band T = Q' A Q; every noise ratio after that costs O(n), times the square
 * of the band's width.
 * For given ratio, m is the generalised least squares estimate and s2 its maximum (both profiled out: Rasmussen and
 * Williams 2006, sections 2.7 and 5.4.1).
 * Rows that are no measurements take no part: they are given weight 0 and not counted.
 */
export interface LikelihoodProfile {
  readonly band: Band;
  /** Q' W^1/2 y and Q' W^1/2 1. */
  readonly targets: Float64Array;
  readonly ones: Float64Array;
  /** All rows, measured rows, and the sum of log w over the latter. */
  readonly rows: number;
  readonly observations: number;
  readonly logWeights: number;
}

export interface Hyperparameters {
  /** Noise variance of one measurement over signal variance. */
  readonly noiseRatio: number;
  /** Signal variance s2. */
  readonly signalVariance: number;
  /** Constant mean m. */
  readonly mean: number;
  /** Log marginal likelihood, nats. */
  readonly logLikelihood: number;
}

/**
 * Least signal variance, in units of the targets' variance: constant targets would drive it to 0 and the likelihood to
 * infinity.
 */
const MIN_SIGNAL_VARIANCE = 1e-8;
const RATIO_LIMITS = [1e-8, 1e6] as const;
/** The search reaches this factor beyond the least and the greatest starting value. */
const REACH = 10;
const GRID_POINTS_PER_DECADE = 2;
/** Grid points and starting values nearer than this are one. */
const SAME = 1e-9;

/**
 * @param kernel row-major n x n; kept.
 * @param targets length n, standardised.
 * @param weights length n: > 0 for measured rows, 0 for others.
 * @param measured per row, 1 or 0.
 */
export function profileLikelihood(
  kernel: Float64Array,
  targets: Float64Array,
  weights: Float64Array,
  measured: Uint8Array,
): LikelihoodProfile {
  const n = targets.length;
  const roots = weights.map(Math.sqrt);
  const scaled = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) scaled[i * n + j] = roots[i]! * roots[j]! * kernel[i * n + j]!;
  }
  const y = targets.map((value, i) => value * roots[i]!);
  const ones = roots.slice();
  const band = reduce(scaled, n, [y, ones]);
  let observations = 0;
  let logWeights = 0;
  for (let i = 0; i < n; i++) {
    if (!measured[i]) continue;
    observations++;
    logWeights += Math.log(weights[i]!);
  }
  return { band, targets: y, ones, rows: n, observations, logWeights };
}

/** Up to here a tridiagonal matrix is as soon made as a band, and sooner evaluated. */
const TRIDIAGONAL_ROWS = 96;

/** T = Q' A Q of the lower triangle of `a`, which is destroyed; the vectors become Q' v. */
function reduce(a: Float64Array, n: number, vectors: readonly Float64Array[]): Band {
  if (n > TRIDIAGONAL_ROWS) return reduceToBand(a, n, vectors);
  const { diagonal, offDiagonal } = tridiagonalise(a, n, vectors);
  const entries = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    entries[2 * i] = offDiagonal[i]!;
    entries[2 * i + 1] = diagonal[i]!;
  }
  return { n, width: 1, entries };
}

/** The likelihood at one noise ratio, mean and signal variance at their best; null where A + ratio I is not positive definite. */
export function likelihoodAt(profile: LikelihoodProfile, noiseRatio: number): Hyperparameters | null {
  const { band, targets, ones, rows, observations, logWeights } = profile;
  const factored = factorBand(band, noiseRatio, [targets, ones]);
  if (!factored) return null;
  const { logDet } = factored;
  const [a, b] = factored.solved as [Float64Array, Float64Array];
  // A row of weight 0 adds log(ratio) to the determinant and nothing else; it is taken out again.
  const determinant = logDet - (rows - observations) * Math.log(noiseRatio) - logWeights;
  const moments = profiledMoments(a, b, observations, determinant);
  return Number.isFinite(moments.logLikelihood) ? { noiseRatio, ...moments } : null;
}

/**
 * Mean and signal variance at their best, and the likelihood there.
 * @param targets L^-1 W^1/2 y and `ones` L^-1 W^1/2 1, with L the Cholesky factor of A + ratio I or of one that is similar.
 * @param logDet of the covariance over s2, of the measured rows.
 */
export function profiledMoments(
  targets: Float64Array,
  ones: Float64Array,
  observations: number,
  logDet: number,
): Omit<Hyperparameters, 'noiseRatio'> {
  const n = targets.length;
  const yy = dot(targets, 0, targets, 0, n);
  const y1 = dot(targets, 0, ones, 0, n);
  const oneOne = dot(ones, 0, ones, 0, n);
  const mean = oneOne > 0 ? y1 / oneOne : 0;
  const quadratic = Math.max(0, yy - mean * y1);
  const signalVariance = Math.max(MIN_SIGNAL_VARIANCE, quadratic / observations);
  const logLikelihood =
    -0.5 * (quadratic / signalVariance + observations * Math.log(2 * Math.PI * signalVariance) + logDet);
  return { signalVariance, mean, logLikelihood };
}

/** Logarithms of the least and greatest noise ratio that a search from these starting values may reach. */
export function noiseRange(starts: readonly number[]): [number, number] {
  return [
    Math.log(Math.max(RATIO_LIMITS[0], Math.min(...starts) / REACH)),
    Math.log(Math.min(RATIO_LIMITS[1], Math.max(...starts) * REACH)),
  ];
}

/**
 * Maximum of the marginal likelihood over the noise ratio, between a tenth of the least and ten times the greatest starting
 * value: the starting values and a logarithmic grid are tried, and the best point is refined.
 * @throws numerical if the covariance is positive definite nowhere in the range.
 */
export function maximiseLikelihood(profile: LikelihoodProfile, starts: readonly number[]): Hyperparameters {
  const [low, high] = noiseRange(starts);
  const count = Math.ceil(((high - low) / Math.LN10) * GRID_POINTS_PER_DECADE) + 1;
  const points = Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
  for (const start of starts) {
    const point = Math.min(high, Math.max(low, Math.log(start)));
    if (!points.some((other) => Math.abs(point - other) < SAME)) points.push(point);
  }
  points.sort((x, y) => x - y);

  const value = (logRatio: number) => likelihoodAt(profile, Math.exp(logRatio))?.logLikelihood ?? -Infinity;
  const values = points.map(value);
  let best = 0;
  for (let i = 1; i < points.length; i++) if (values[i]! > values[best]!) best = i;
  if (values[best] === -Infinity) {
    throw new TitrateError('numerical', {
      what: `the kernel matrix is not positive definite for any noise ratio from ${Math.exp(low)} to ${Math.exp(high)}`,
      remedy: 'Give larger noiseRatios',
    });
  }
  const refined = refine(
    value,
    points[Math.max(0, best - 1)]!,
    points[Math.min(points.length - 1, best + 1)]!,
  );
  const at = value(refined) > values[best]! ? refined : points[best]!;
  return likelihoodAt(profile, Math.exp(at))!;
}

/** Stops when the optimum is known to about this in the logarithm of the noise ratio. */
const PRECISION = 1e-7;
const STEPS = 40;

/** Maximum between two points by parabolas through the best three, golden sections where they fail (Brent 1973, chapter 5). */
export function refine(f: (x: number) => number, from: number, to: number, precision = PRECISION): number {
  const golden = (3 - Math.sqrt(5)) / 2;
  let [a, b] = [from, to];
  let x = a + golden * (b - a);
  let [w, v] = [x, x];
  let fx = f(x);
  let [fw, fv] = [fx, fx];
  let [moved, before] = [0, 0];
  for (let step = 0; step < STEPS; step++) {
    const middle = (a + b) / 2;
    if (Math.abs(x - middle) + (b - a) / 2 <= 2 * precision) break;
    const r = (x - w) * (fx - fv);
    const q = (x - v) * (fx - fw);
    const numerator = (x - v) * q - (x - w) * r;
    const denominator = 2 * (q - r);
    const jump = -numerator / denominator;
    const fits = Number.isFinite(jump) && Math.abs(jump) < Math.abs(before) / 2;
    if (fits && x + jump > a && x + jump < b) {
      [before, moved] = [moved, jump];
    } else {
      before = x < middle ? b - x : a - x;
      moved = golden * before;
    }
    const u = x + (Math.abs(moved) >= precision ? moved : Math.sign(moved) * precision);
    const fu = f(u);
    if (fu >= fx) {
      if (u < x) b = x;
      else a = x;
      [v, fv, w, fw, x, fx] = [w, fw, x, fx, u, fu];
    } else {
      if (u < x) a = u;
      else b = u;
      if (fu >= fw || w === x) [v, fv, w, fw] = [w, fw, u, fu];
      else if (fu >= fv || v === x || v === w) [v, fv] = [u, fu];
    }
  }
  return x;
}
