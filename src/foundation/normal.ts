/**
 * The standard normal distribution, in double precision out to the far tails.
 *
 * erfc and its scaled form come from the rational approximations of W. J. Cody, "Rational Chebyshev approximations for the
 * error function", Math. Comp. 23 (1969) 631, as in netlib's CALERF (relative error below 1.2e-16 each).
 */

const SQRT2 = Math.SQRT2;
const SQRT_2PI = 2.5066282746310002;
const SQRT_2_OVER_PI = 0.7978845608028654;
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

/** The 95th percentile: a central 90 % interval is mean +/- this many standard deviations. */
export const Z90 = 1.6448536269514722;

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

/** phi(z) / Phi(z), the inverse of Mills' ratio at -z; about -z for z far below 0. */
export function inverseMills(z: number): number {
  return z < -1 ? SQRT_2_OVER_PI / erfcx(-z / SQRT2) : normalPdf(z) / normalCdf(z);
}
