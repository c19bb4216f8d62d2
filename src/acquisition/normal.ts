/**
 * The standard normal distribution and expected improvement, in double precision out to the far tails.
 *
 * erfc and its scaled form come from the rational approximations of W. J. Cody, "Rational Chebyshev approximations for the
 * error function", Math. Comp. 23 (1969) 631, as in netlib's CALERF (relative error below 1.2e-16 each). The logarithm of
 * expected improvement follows Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian Optimization",
 * NeurIPS 2023, section 4, with an asymptotic series where their formula cancels.
 */

const SQRT2 = Math.SQRT2;
const LOG_SQRT_2PI = 0.9189385332046728;
const SQRT_2PI = 2.5066282746310002;
const SQRT_HALF_PI = 1.2533141373155003;
const ONE_OVER_SQRT_PI = 0.5641895835477563;

// Cody's coefficients, highest degree first in the order Horner's rule takes them.
const ERF_NEAR = {
  p: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  q: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
};
const ERFCX_MIDDLE = {
  p: [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  q: [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
};
const ERFCX_FAR = {
  p: [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  q: [
    1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
  ],
};

const horner = (coefficients: readonly number[], x: number) =>
  coefficients.reduce((sum, c) => sum * x + c, 0);
const ratio = ({ p, q }: { p: readonly number[]; q: readonly number[] }, x: number) =>
  horner(p, x) / horner(q, x);

/** exp(-scale y^2) without the rounding error of y^2: the square is split as in CALERF. */
function expOfMinusSquare(y: number, scale = 1): number {
  const head = Math.trunc(y * 16) / 16;
  return Math.exp(-head * head * scale) * Math.exp(-(y - head) * (y + head) * scale);
}

const erfNear = (x: number) => x * ratio(ERF_NEAR, x * x);

/** exp(y^2) erfc(y) for y > 0.46875. */
function scaledFar(y: number): number {
  if (y <= 4) return ratio(ERFCX_MIDDLE, y);
  if (y > 6.71e7) return ONE_OVER_SQRT_PI / y;
  const inverse = 1 / (y * y);
  return (ONE_OVER_SQRT_PI - inverse * ratio(ERFCX_FAR, inverse)) / y;
}

/** The complementary error function, 1 - erf(x). */
export function erfc(x: number): number {
  const y = Math.abs(x);
  if (y <= 0.46875) return 1 - erfNear(x);
  const tail = expOfMinusSquare(y) * scaledFar(y);
  return x < 0 ? 2 - tail : tail;
}

/** The scaled complementary error function exp(x^2) erfc(x); infinite below about -26.6. */
export function erfcx(x: number): number {
  const y = Math.abs(x);
  if (y <= 0.46875) return Math.exp(x * x) * (1 - erfNear(x));
  return x < 0 ? 2 * Math.exp(x * x) - scaledFar(y) : scaledFar(y);
}

/** Density of the standard normal distribution. */
export const normalPdf = (z: number): number => expOfMinusSquare(z, 0.5) / SQRT_2PI;

/** P(Z <= z) of the standard normal distribution. */
export function normalCdf(z: number): number {
  const y = Math.abs(z) / SQRT2;
  if (y <= 0.46875) return (1 + erfNear(z / SQRT2)) / 2;
  const tail = (expOfMinusSquare(z, 0.5) * scaledFar(y)) / 2;
  return z < 0 ? tail : 1 - tail;
}

/** log P(Z <= z), finite for every finite z down to about -1e154. */
export function normalLogCdf(z: number): number {
  if (z < -1) return -(z * z) / 2 + Math.log(erfcx(-z / SQRT2) / 2);
  return Math.log1p(-erfc(z / SQRT2) / 2);
}

/** Where the erfcx form of 1 - x R(x) has lost two digits and the asymptotic series is exact to rounding. */
const SERIES_FROM = 10;

/** 1 - x R(x), with R Mills' ratio of the normal distribution; x > 1. About 1 / x^2 for large x. */
function oneMinusMills(x: number): number {
  if (x < SERIES_FROM) return 1 - x * SQRT_HALF_PI * erfcx(x / SQRT2);
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
