/**
 * Expected improvement, accurate to rounding out to the far tails. Its logarithm follows Ament et al., "Unexpected Improvements
 * to Expected Improvement for Bayesian Optimization", NeurIPS 2023, section 4, with an asymptotic series where their formula
 * cancels.
 */
import { erfcx, normalCdf, normalPdf } from '../foundation';

const LOG_SQRT_2PI = 0.9189385332046728;
const SQRT_HALF_PI = 1.2533141373155003;

/** Where the erfcx form of 1 - x R(x) has lost two digits and the asymptotic series is exact to rounding. */
const SERIES_FROM = 10;

/** 1 - x R(x), with R Mills' ratio of the normal distribution; x > 1. About 1 / x^2 for large x. */
function oneMinusMills(x: number): number {
  if (x < SERIES_FROM) return 1 - x * SQRT_HALF_PI * erfcx(x / Math.SQRT2);
  const inverse = 1 / (x * x);
  let term = inverse;
  let sum = 0;
  for (let k = 1; Math.abs(term) > Math.abs(sum) * 1e-18 && k < 60; k++) {
    sum += term;
    term *= -(2 * k + 1) * inverse;
  }
  return sum;
}

/**
 * log(phi(z) + z Phi(z)): the logarithm of the expected improvement of a normal variable whose mean stands z standard
 * deviations beyond the incumbent, in standard deviations.
 */
export function logStandardImprovement(z: number): number {
  if (z > -1) return Math.log(normalPdf(z) + z * normalCdf(z));
  return -(z * z) / 2 - LOG_SQRT_2PI + Math.log(oneMinusMills(-z));
}

/**
 * log E[max(0, Y - incumbent)] for Y normal with the given mean and standard deviation (Jones, Schonlau & Welch 1998; to be
 * maximised). With sigma = 0 it is the logarithm of the certain improvement; -Infinity where nothing can be gained.
 */
export function logExpectedImprovement(mean: number, sigma: number, incumbent: number): number {
  const gain = mean - incumbent;
  if (sigma === 0) return gain > 0 ? Math.log(gain) : -Infinity;
  return Math.log(sigma) + logStandardImprovement(gain / sigma);
}

/** E[max(0, Y - incumbent)], in the unit of the mean. Underflows to 0 about 38 standard deviations out. */
export const expectedImprovement = (mean: number, sigma: number, incumbent: number): number =>
  Math.exp(logExpectedImprovement(mean, sigma, incumbent));
