/** The standard normal distribution, to about 1e-14 relative (Marsaglia 2004, J. Stat. Softw. 11(5)). */

const SQRT_2PI = Math.sqrt(2 * Math.PI);

/** The 95th percentile: a central 90 % interval is mean +/- this many standard deviations. */
export const Z90 = 1.6448536269514722;

export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / SQRT_2PI;
}

/** Mills ratio (1 - Phi(x)) / phi(x) for x >= 2.5, by Laplace's continued fraction; 120 terms give full precision there. */
function millsTail(x: number): number {
  let f = x;
  for (let k = 120; k >= 1; k--) f = x + k / f;
  return 1 / f;
}

/** Phi(z), z any number; 0 and 1 far out. */
export function normalCdf(z: number): number {
  if (z <= -2.5) return z < -38.5 ? 0 : normalDensity(z) * millsTail(-z);
  if (z >= 2.5) return 1 - normalCdf(-z);
  let term = z;
  let sum = z;
  for (let k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + sum * normalDensity(z);
}

/** phi(z) / Phi(z), safe for every finite z; about -z for z far below 0. */
export function inverseMills(z: number): number {
  return z <= -2.5 ? 1 / millsTail(-z) : normalDensity(z) / normalCdf(z);
}

/** log Phi(z), safe for every finite z. */
export function logNormalCdf(z: number): number {
  if (z <= -2.5) return -0.5 * z * z - Math.log(SQRT_2PI) + Math.log(millsTail(-z));
  return z < 2.5 ? Math.log(normalCdf(z)) : Math.log1p(-normalDensity(z) * millsTail(z));
}
