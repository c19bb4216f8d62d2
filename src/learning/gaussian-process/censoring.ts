import type { Qualifier } from '../../contracts';
import { inverseMills, normalLogCdf } from '../../foundation';
import { dot, logDeterminant, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';
import { factorWithJitter, weightedKernel } from './model';

/**
 * Censored targets by expectation propagation (Groot and Lucas 2012, "Gaussian process regression with censored data using
 * expectation propagation"; Rasmussen and Williams 2006, section 3.6).
 *
 * Each bound becomes a site: a pseudo-measurement whose location and weight make the model's mean and variance at the row
 * those of the normal truncated at the bound, seen from the prediction the model makes *without* that row. A bound the
 * prediction already satisfies gets weight near 0, so it neither pulls nor feigns certainty; a violated one gets weight
 * up to 1, that of one measurement, and pulls. (Putting in the truncated mean alone would have the first and not the
 * second: rows would count as measured.)
 */

/** Share of each step taken: damping keeps parallel updates stable. */
const DAMPING = 0.8;
/** Site weights below this are dropped: their location is a quotient of rounding errors. */
const MIN_SITE_WEIGHT = 1e-9;

/** What the sites refer to; all in standardised units. */
export interface CensoredProblem {
  /** Row-major n x n. */
  readonly kernel: Float64Array;
  /** Length n: measured values, and bounds where `qualifiers` is not '='. */
  readonly values: Float64Array;
  readonly qualifiers: readonly Qualifier[];
  readonly replicates: Float64Array;
}

/** Targets and weights of all rows; those of censored rows are moved by `sweep`. */
export interface Sites {
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

/** Sites that say nothing yet. */
export function initialSites({ values, qualifiers, replicates }: CensoredProblem): Sites {
  return {
    targets: values.slice(),
    weights: replicates.map((count, i) => (qualifiers[i] === '=' ? count : 0)),
  };
}

/**
 * One parallel sweep: every site is matched against its cavity, all from one posterior.
 * @param sites changed in place at the censored rows.
 * @returns the generalised least squares mean under the sites as they came, and the EP approximation of the log marginal
 * likelihood with them (Rasmussen and Williams, equation 3.65), nats; it is meant for sites that have settled.
 */
export function sweep(
  problem: CensoredProblem,
  sites: Sites,
  { noiseRatio, signalVariance }: { noiseRatio: number; signalVariance: number },
): { mean: number; logEvidence: number } {
  const { kernel, qualifiers } = problem;
  const { targets, weights } = sites;
  const n = targets.length;
  const roots = weights.map(Math.sqrt);
  const storage = new Float64Array(n * n);
  const { factor } = factorWithJitter(
    () => weightedKernel(kernel, roots, noiseRatio, storage),
    n,
    noiseRatio,
  );

  const solvedOnes = roots.slice();
  const solved = targets.map((y, i) => roots[i]! * y);
  solveLowerInPlace(factor, n, solvedOnes, 1);
  solveLowerInPlace(factor, n, solved, 1);
  const mean = dot(solved, 0, solvedOnes, 0, n) / dot(solvedOnes, 0, solvedOnes, 0, n);
  for (let i = 0; i < n; i++) solved[i]! -= mean * solvedOnes[i]!;
  let logEvidence = -0.5 * (logDeterminant(factor, n) + dot(solved, 0, solved, 0, n) / signalVariance);
  solveLowerTransposeInPlace(factor, n, solved);
  const coefficients = solved.map((value, i) => value * roots[i]!);

  const noise = signalVariance * noiseRatio;
  const rows: number[] = [];
  for (let i = 0; i < n; i++) {
    if (qualifiers[i] === '=')
      logEvidence -= 0.5 * (Math.log(2 * Math.PI * signalVariance) - Math.log(weights[i]!));
    else rows.push(i);
  }
  const block = new Float64Array(4 * n);
  for (let from = 0; from < rows.length; from += 4) {
    const group = rows.slice(from, from + 4);
    group.forEach((row, q) => {
      for (let i = 0; i < n; i++) block[q * n + i] = roots[i]! * kernel[row * n + i]!;
    });
    solveLowerInPlace(factor, n, block, group.length);
    group.forEach((row, q) => {
      const explained = dot(block, q * n, block, q * n, n);
      const posterior = {
        mean: mean + dot(kernel, row * n, coefficients, 0, n),
        variance: signalVariance * Math.max(1e-12, 1 - explained),
      };
      logEvidence += moveSite(problem, sites, row, posterior, noise, signalVariance);
    });
  }
  return { mean, logEvidence };
}

/** Matches one site and returns what it adds to the log evidence; leaves it as it is where rounding left no proper cavity. */
export function moveSite(
  { values, qualifiers }: Pick<CensoredProblem, 'values' | 'qualifiers'>,
  { targets, weights }: Sites,
  row: number,
  posterior: { mean: number; variance: number },
  noise: number,
  signalVariance: number,
): number {
  const precision = weights[row]! / noise;
  const location = targets[row]!;
  const cavityPrecision = 1 / posterior.variance - precision;
  if (!(cavityPrecision > 1e-12 / posterior.variance)) return 0;
  const variance = 1 / cavityPrecision;
  const mean = variance * (posterior.mean / posterior.variance - precision * location);
  const side = qualifiers[row] === '>' ? 1 : -1;
  const total = variance + noise;
  const spread = Math.sqrt(total);
  const z = (side * (mean - values[row]!)) / spread;
  // log Phi(z) of the tilted distribution, and the site's normaliser with the terms that diverge at weight 0 cancelled.
  const widened = weights[row]! * variance + noise;
  const evidence =
    normalLogCdf(z) +
    0.5 * Math.log(widened / signalVariance) +
    (0.5 * weights[row]! * (mean - location) ** 2) / widened;

  const ratio = inverseMills(z);
  // Matched variance = variance (1 - variance curvature); the site's precision follows without subtracting near equals.
  const curvature = (ratio * (z + ratio)) / total;
  const matched = curvature / (1 - variance * curvature);
  if (!(matched >= 0) || !Number.isFinite(matched)) return evidence;
  const matchedLocation = curvature > 0 ? mean + (side * ratio) / (spread * curvature) : mean;
  const moved = (1 - DAMPING) * precision + DAMPING * matched;
  const weight = Math.min(1, moved * noise);
  if (weight < MIN_SITE_WEIGHT) {
    weights[row] = 0;
    targets[row] = posterior.mean;
  } else {
    weights[row] = weight;
    targets[row] = ((1 - DAMPING) * precision * location + DAMPING * matched * matchedLocation) / moved;
  }
  return evidence;
}
