import { normalCdf, normalPdf } from './normal';

// P. J. Acklam's rational approximation (2003), relative error 1.2e-9; one step of Halley brings it to double precision.
const CENTRE_A = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
  2.506628277459239,
];
const CENTRE_B = [
  -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1,
];
const TAIL_C = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const TAIL_D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
const TAIL = 0.02425;

const horner = (coefficients: readonly number[], x: number) =>
  coefficients.reduce((sum, c) => sum * x + c, 0);

/** The z with P(Z <= z) = p of the standard normal distribution. @param p between 0 and 1, neither of them */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  let z: number;
  if (p < TAIL) {
    const q = Math.sqrt(-2 * Math.log(p));
    z = horner(TAIL_C, q) / horner(TAIL_D, q);
  } else {
    const q = p - 0.5;
    z = (horner(CENTRE_A, q * q) * q) / horner(CENTRE_B, q * q);
  }
  const u = (normalCdf(z) - p) / normalPdf(z);
  return z - u / (1 + (z * u) / 2);
}
