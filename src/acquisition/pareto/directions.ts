/**
 * Hypervolume by scalarisations (Zhang and Golovin 2020, "Random hypervolume scalarizations for provable multi-objective black box
 * optimization"): above the reference point 0 the hypervolume of points y is c_m E[max_y min_i max(0, y_i / d_i)^m], with d uniform on the part
 * of the unit sphere with positive coordinates.
 */

/** Volume of that part of the unit ball: pi^(m/2) / (2^m gamma(m/2 + 1)). */
export const SPHERE_SHARE: Readonly<Record<number, number>> = {
  1: 1,
  2: Math.PI / 4,
  3: Math.PI / 6,
  4: Math.PI ** 2 / 32,
};

/** Steps of a Kronecker sequence in d dimensions: powers of the inverse of the root of x^(d+1) = x + 1 (Roberts 2018). */
const STEPS: Readonly<Record<number, readonly number[]>> = {
  1: [0.6180339887498949],
  2: [0.7548776662466927, 0.5698402909980532],
  3: [0.8191725133961645, 0.6710436067037893, 0.5497004779019703],
};

const HALF_TURN = Math.PI / 2;
/** Keeps reciprocals finite. */
const LEAST = 1e-12;

/** Maps points of the unit cube onto the sphere, uniformly: by Archimedes for three coordinates, for four by two circles whose radii's squares are uniform. */
function onSphere(u: readonly number[]): number[] {
  const [a, b, c] = u as [number, number, number];
  if (u.length === 1) return [Math.cos(HALF_TURN * a), Math.sin(HALF_TURN * a)];
  if (u.length === 2) {
    const radius = Math.sqrt(1 - a * a);
    return [radius * Math.cos(HALF_TURN * b), radius * Math.sin(HALF_TURN * b), a];
  }
  const [inner, outer] = [Math.sqrt(a), Math.sqrt(1 - a)];
  return [
    ...[inner * Math.cos(HALF_TURN * b), inner * Math.sin(HALF_TURN * b)],
    ...[outer * Math.cos(HALF_TURN * c), outer * Math.sin(HALF_TURN * c)],
  ];
}

/** `count` directions, evenly spread, any run of them too; row by row, `m` coordinates each. @param m 2 to 4 */
export function directionsOf(m: number, count: number): Float64Array {
  const steps = STEPS[m - 1]!;
  const out = new Float64Array(count * m);
  for (let k = 0; k < count; k++)
    out.set(
      onSphere(steps.map((step) => (0.5 + (k + 1) * step) % 1)).map((d) => Math.max(LEAST, d)),
      k * m,
    );
  return out;
}

/** min_i y_i / d_i; negative where the point lies below the reference point. @param at where the direction begins */
export function along(point: Float64Array | readonly number[], directions: Float64Array, at: number): number {
  let least = Infinity;
  for (let i = 0; i < point.length; i++) least = Math.min(least, point[i]! / directions[at + i]!);
  return least;
}
