import { TitrateError } from '../../contracts';
import { dot, logDeterminant, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { probabilityMoments } from './link';
import { factorWithJitter, weightedKernel } from './model';
import { solveSparse, type SparseRows } from './sparse';

/**
 * Binary classification: P(1) = 1 / (1 + exp(-f)), f ~ GP(m, s2 k), the posterior of f replaced by the normal at its mode with the
 * curvature there (Laplace's method: Williams and Barber 1998; Rasmussen and Williams 2006, section 3.4). The constant mean
 * m, found with the mode, carries the base rate, so that rare actives do not have to be paid for by the signal variance.
 *
 * The mode knows nothing of how wide the posterior is: with rare actives the probabilities averaged over it sum to more than
 * there are. An offset makes them sum to the labels where each row is predicted without itself (section 5.4.2).
 *
 * The normal at the mode is what regression gives for pseudo-measurements ("sites") t = f + (y - p) / w of weight w = p (1 - p)
 * and noise variance 1 / w: prediction, covariance and draws are those of regression, and so is the sparse form.
 */

/** The Gaussian posterior of f at the training rows, given sites. */
export interface LatentSolver {
  readonly rows: number;
  /** Sparse: the share of each row's prior variance that training does not see and a prediction has. */
  readonly rest?: Float64Array;
  /**
   * @param mean given, or estimated by generalised least squares.
   * @throws numerical
   */
  solve(targets: Float64Array, weights: Float64Array, noiseRatio: number, mean?: number): LatentSolution;
}

export interface LatentSolution {
  readonly latent: Float64Array;
  readonly mean: number;
  readonly logDet: number;
  /** Posterior variances of f, in units of the signal variance. To be asked for before the next solve. */
  variances(): Float64Array;
}

/** Rows whose variances are found together. */
const BLOCK = 256;

/** @param kernel row-major n x n, both triangles. */
export function exactSolver(kernel: Float64Array, n: number): LatentSolver {
  const storage = new Float64Array(n * n);
  return {
    rows: n,
    solve(targets, weights, noiseRatio, given) {
      const roots = weights.map(Math.sqrt);
      const { factor } = factorWithJitter(
        () => weightedKernel(kernel, roots, noiseRatio, storage),
        n,
        noiseRatio,
      );
      const ones = roots.slice();
      const solved = targets.map((value, i) => value * roots[i]!);
      solveLowerInPlace(factor, n, solved, 1);
      solveLowerInPlace(factor, n, ones, 1);
      const mean = given ?? dot(solved, 0, ones, 0, n) / dot(ones, 0, ones, 0, n);
      for (let i = 0; i < n; i++) solved[i]! -= mean * ones[i]!;
      solveLowerTransposeInPlace(factor, n, solved);
      const coefficients = solved.map((value, i) => value * roots[i]!);
      const latent = Float64Array.from(
        { length: n },
        (_, i) => mean + dot(kernel, i * n, coefficients, 0, n),
      );
      const variances = () =>
        inBlocks(
          n,
          n,
          (row, out) => {
            for (let i = 0; i < n; i++) out[i] = roots[i]! * kernel[row * n + i]!;
          },
          factor,
        ).map((explained) => Math.max(0, 1 - explained));
      return { latent, mean, logDet: logDeterminant(factor, n) - n * Math.log(noiseRatio), variances };
    },
  };
}

/** |L^-1 x|^2 for the vector x, of length m, of each row. */
function inBlocks(
  rows: number,
  m: number,
  fill: (row: number, out: Float64Array) => void,
  factor: Float64Array,
): Float64Array {
  const squares = new Float64Array(rows);
  const block = new Float64Array(Math.min(BLOCK, rows) * m);
  for (let from = 0; from < rows; from += BLOCK) {
    const count = Math.min(BLOCK, rows - from);
    for (let q = 0; q < count; q++) fill(from + q, block.subarray(q * m, (q + 1) * m));
    solveLowerInPlace(factor, m, block, count);
    for (let q = 0; q < count; q++) squares[from + q] = dot(block, q * m, block, q * m, m);
  }
  return squares;
}

export function sparseSolver(basis: SparseRows): LatentSolver {
  return {
    rows: basis.rows,
    rest: basis.rest,
    solve(targets, weights, noiseRatio, given) {
      const { rows, inducing: m, phi } = basis;
      const { latent, mean, logDet, factor } = solveSparse(basis, targets, weights, noiseRatio, given);
      const noise = weights.reduce((sum, w) => sum + Math.log(noiseRatio / w), 0);
      const vector = (row: number, out: Float64Array) => out.set(phi.subarray(row * m, (row + 1) * m));
      const variances = () => inBlocks(rows, m, vector, factor).map((open) => noiseRatio * open);
      return { latent, mean, logDet: logDet - noise, variances };
    },
  };
}

export interface LaplacePosterior {
  readonly latent: Float64Array;
  readonly mean: number;
  /** Sites, for `GaussianProcessDefinition`. */
  readonly targets: Float64Array;
  readonly weights: Float64Array;
  /** Laplace approximation of the log marginal likelihood, nats. */
  readonly logEvidence: number;
  /** Of f at each row as the other rows alone would have it, to the same approximation: means, then standard deviations. */
  leaveOneOut(): { readonly mean: Float64Array; readonly deviation: Float64Array };
}

/** Log odds; halved this often, the offset is known to 1e-4. */
const OFFSET_REACH = 32;
const OFFSET_STEPS = 20;
const MOST_STEPS = 60;
const MOST_HALVINGS = 12;
/** Newton's method stops when the log posterior gains less than this, relative to its size: the next step is at rounding. */
const GAIN = 1e-12;
/** Probabilities nearer to 0 or 1 than this are as good as certain. */
const CERTAIN = 1e-12;

/**
 * The mode by Newton's method with step halving.
 * @param labels 0 or 1.
 * @param given the constant mean; else found with the mode, within the log odds that the number of rows can show.
 * @throws numerical
 */
export function laplacePosterior(
  solver: LatentSolver,
  labels: Float64Array,
  signalVariance: number,
  given?: number,
): LaplacePosterior {
  const n = solver.rows;
  const noiseRatio = 1 / signalVariance;
  const bound = Math.log(2 * n + 1);
  const solve = (targets: Float64Array, weights: Float64Array) => {
    const free = solver.solve(targets, weights, noiseRatio, given);
    if (given !== undefined || Math.abs(free.mean) <= bound) return free;
    return solver.solve(targets, weights, noiseRatio, Math.sign(free.mean) * bound);
  };
  const positives = labels.reduce((sum, y) => sum + y, 0);
  let mean = given ?? Math.log((positives + 0.5) / (n - positives + 0.5));
  let latent = new Float64Array(n).fill(mean);
  // K^-1 (f - m) in units of the signal variance.
  let dual = new Float64Array(n);
  let top = logPosterior(labels, latent, dual, mean);
  for (let step = 0; step < MOST_STEPS; step++) {
    const { targets, weights } = sitesAt(labels, latent);
    const solved = solve(targets, weights);
    const aim = weights.map((w, i) => w * (targets[i]! - solved.latent[i]!));
    let share = 1;
    let next = { latent: solved.latent, dual: aim, mean: solved.mean };
    let value = logPosterior(labels, next.latent, next.dual, next.mean);
    for (let k = 0; k < MOST_HALVINGS && !(value >= top); k++) {
      share /= 2;
      const blend = (from: number, to: number) => from + share * (to - from);
      next = {
        latent: latent.map((f, i) => blend(f, solved.latent[i]!)),
        dual: dual.map((a, i) => blend(a, aim[i]!)),
        mean: blend(mean, solved.mean),
      };
      value = logPosterior(labels, next.latent, next.dual, next.mean);
    }
    const gain = value - top;
    if (!(gain >= 0)) break;
    latent = Float64Array.from(next.latent);
    dual = Float64Array.from(next.dual);
    mean = next.mean;
    top = value;
    if (gain <= GAIN * (1 + Math.abs(top))) break;
  }
  const { targets, weights } = sitesAt(labels, latent);
  const { logDet, variances } = solver.solve(targets, weights, noiseRatio, mean);
  const logEvidence = top - 0.5 * logDet;
  if (!Number.isFinite(logEvidence)) {
    throw new TitrateError('numerical', {
      what: `classification of ${n} rows has no finite likelihood at signal variance ${signalVariance}`,
      remedy: 'Look for values that are not finite or out of all proportion among the features',
    });
  }
  const leaveOneOut = () => {
    const means = latent.slice();
    const deviation = variances().map((share, i) => {
      const variance = signalVariance * share;
      const unseen = signalVariance * (solver.rest?.[i] ?? 0);
      const precision = 1 / variance - weights[i]!;
      if (!(precision > 0) || !Number.isFinite(precision)) return Math.sqrt(variance + unseen);
      means[i] = (latent[i]! / variance - weights[i]! * targets[i]!) / precision;
      return Math.sqrt(1 / precision + unseen);
    });
    return { mean: means, deviation };
  };
  return { latent, mean, targets, weights, logEvidence, leaveOneOut };
}

/** The log odds to be added to all predictions for the left-out probabilities to sum to the labels (one more half of either class). */
export function baseRateOffset(
  { mean, deviation }: ReturnType<LaplacePosterior['leaveOneOut']>,
  labels: Float64Array,
): number {
  const n = labels.length;
  const wanted = (labels.reduce((sum, y) => sum + y, 0.5) * n) / (n + 1);
  let [low, high] = [-OFFSET_REACH, OFFSET_REACH];
  for (let step = 0; step < OFFSET_STEPS; step++) {
    const middle = (low + high) / 2;
    const sum = mean.reduce((all, f, i) => all + probabilityMoments(f + middle, deviation[i]!).first, 0);
    if (sum > wanted) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** log p(y | f) + log p(f) but for the normaliser; `dual` is C^-1 (f - m). */
function logPosterior(labels: Float64Array, latent: Float64Array, dual: Float64Array, mean: number): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const z = labels[i] === 1 ? latent[i]! : -latent[i]!;
    sum -= z > 0 ? Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z)) - z;
    sum -= 0.5 * dual[i]! * (latent[i]! - mean);
  }
  return sum;
}

function sitesAt(
  labels: Float64Array,
  latent: Float64Array,
): { targets: Float64Array; weights: Float64Array } {
  const targets = new Float64Array(labels.length);
  const weights = new Float64Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - CERTAIN, Math.max(CERTAIN, 1 / (1 + Math.exp(-latent[i]!))));
    weights[i] = p * (1 - p);
    targets[i] = latent[i]! + (labels[i]! - p) / weights[i]!;
  }
  return { targets, weights };
}
