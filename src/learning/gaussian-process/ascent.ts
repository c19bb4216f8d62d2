import { choleskyInPlace, dot, solveLowerInPlace, solveLowerTransposeInPlace } from './cholesky';

/** A function of a few parameters, with its slopes where they are asked for. */
export interface Objective {
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** @returns null where the function is not defined. */
  at(point: readonly number[]): Place | null;
}

export interface Place {
  readonly point: readonly number[];
  readonly value: number;
  /** The gradient, and a guess, positive semi-definite, of minus the second derivatives (row-major). */
  slopes(): { gradient: Float64Array; curvature: Float64Array };
}

/** Added to the curvature's guess, which may be next to nothing far from the maximum. */
const RIDGE = 0.5;
/** No parameter moves further in one step: all are logarithms here, and the slopes hold near by only. */
const LONGEST_STEP = 2;
/** A step must gain at least this share of what its slope promises (Armijo 1966). */
const SHARE = 1e-4;

/**
 * A local maximum by a quasi-Newton method: damped BFGS updates of the curvature (Nocedal and Wright 2006, procedure 18.2),
 * steps shortened by a parabola until they gain, parameters held at a bound that they press against. A fixed rule: the same
 * input gives the same point.
 * @param tolerance ends it where the next step promises no greater gain.
 * @param trials of the function, at most.
 * @returns null where the function is not defined at the start.
 */
export function climb(
  objective: Objective,
  start: readonly number[],
  { tolerance, trials }: { tolerance: number; trials: number },
): Place | null {
  let place = objective.at(start);
  if (!place) return null;
  let { gradient, curvature } = place.slopes();
  const n = start.length;
  for (let k = 0; k < n; k++) curvature[k * n + k]! += RIDGE;
  let left = trials - 1;
  while (left > 0) {
    const step = stepOf(objective, place.point, gradient, curvature);
    const promise = step ? dot(step, 0, gradient, 0, n) : 0;
    if (!step || !(promise / 2 > tolerance)) break;
    let length = Math.min(1, LONGEST_STEP / Math.max(...step.map(Math.abs)));
    let next: Place | null = null;
    for (; left > 0; left--) {
      const tried: Place | null = objective.at(within(objective, place.point, step, length));
      const gain = tried ? tried.value - place.value : -Infinity;
      if (gain > SHARE * length * promise) {
        next = tried;
        left--;
        break;
      }
      const peak = (promise * length ** 2) / (2 * (promise * length - gain));
      length = Math.min(length / 2, Math.max(length / 10, peak));
    }
    if (!next) break;
    const after = next.slopes().gradient;
    const moved = Float64Array.from(next.point, (x, k) => x - place!.point[k]!);
    const turned = gradient.map((slope, k) => slope - after[k]!);
    curvature = updated(curvature, moved, turned);
    gradient = after;
    place = next;
  }
  return place;
}

/** The Newton step of the parameters that no bound holds; null where the curvature is not positive definite. */
function stepOf(
  { lower, upper }: Objective,
  point: readonly number[],
  gradient: Float64Array,
  curvature: Float64Array,
): Float64Array | null {
  const n = point.length;
  const free = [...point.keys()].filter(
    (k) => !(point[k]! <= lower[k]! && gradient[k]! < 0) && !(point[k]! >= upper[k]! && gradient[k]! > 0),
  );
  const m = free.length;
  const matrix = Float64Array.from({ length: m * m }, (_, at) => {
    const [row, column] = [free[Math.floor(at / m)]!, free[at % m]!];
    return curvature[row * n + column]!;
  });
  if (choleskyInPlace(matrix, m) >= 0) return null;
  const solved = Float64Array.from(free, (k) => gradient[k]!);
  solveLowerInPlace(matrix, m, solved, 1);
  solveLowerTransposeInPlace(matrix, m, solved);
  const step = new Float64Array(n);
  free.forEach((k, i) => (step[k] = solved[i]!));
  return step;
}

function within(
  { lower, upper }: Objective,
  point: readonly number[],
  step: Float64Array,
  length: number,
): number[] {
  return point.map((x, k) => Math.min(upper[k]!, Math.max(lower[k]!, x + length * step[k]!)));
}

/** The curvature after a move along which the gradient turned; stays positive definite. */
function updated(curvature: Float64Array, moved: Float64Array, turned: Float64Array): Float64Array {
  const n = moved.length;
  const old = moved.map((_, i) => dot(curvature, i * n, moved, 0, n));
  const expected = dot(moved, 0, old, 0, n);
  const seen = dot(moved, 0, turned, 0, n);
  if (!(expected > 0)) return curvature;
  const share = seen >= 0.2 * expected ? 1 : (0.8 * expected) / (expected - seen);
  const mixed = turned.map((value, k) => share * value + (1 - share) * old[k]!);
  const along = dot(moved, 0, mixed, 0, n);
  return curvature.map((value, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return value + (mixed[i]! * mixed[j]!) / along - (old[i]! * old[j]!) / expected;
  });
}
