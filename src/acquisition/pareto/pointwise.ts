import { expectedImprovement } from '../improvement';
import { frontOf, type Point } from './front';
import { boxesBeyond } from './hypervolume';
import { along, directionsOf } from './directions';

/** Points of a front that the boxes are made of, at most, by number of properties: some 65 to 3,000 boxes. Of more, those that most directions meet. */
const MOST_POINTS: Readonly<Record<number, number>> = { 2: 64, 3: 48, 4: 24 };
const DIRECTIONS = 1024;

/** The points that are the best in most directions, at most `most`. What is left out is best in hardly any, so hardly adds to the volume. */
export function thinned(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const m = points[0]!.length;
  const directions = directionsOf(m, DIRECTIONS);
  const wins = new Int32Array(points.length);
  for (let k = 0; k < DIRECTIONS; k++) {
    let [best, reach] = [0, -Infinity];
    points.forEach((point, at) => {
      const here = along(point, directions, k * m);
      if (here > reach) [best, reach] = [at, here];
    });
    wins[best]!++;
  }
  const order = [...points.keys()].sort((a, b) => wins[b]! - wins[a]! || compared(points[a]!, points[b]!));
  return order.slice(0, most).map((at) => points[at]!);
}

function compared(a: Point, b: Point): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return b[i]! - a[i]!;
  return 0;
}

/** What a candidate is expected to add by itself, from its means and deviations, one of each a property, scaled. */
export type PointwiseGain = (mean: Float64Array, sigma: Float64Array) => number;

/** Below it only rounding is left. */
const NEGLIGIBLE = 1e-250;
/** A score below 0 orders candidates that add nothing, by what they could be within so many deviations. */
const WITHIN = 2;

/**
 * Expected hypervolume improvement of independent normal values, exactly: the mass beyond the front is a sum over boxes, and over a box from l to u
 * the expectation is a product of differences of expected improvements, EI(l) - EI(u) (Emmerich et al. 2006; Yang et al. 2019). It rises
 * with every mean and with every deviation. Where it underflows, a negative score that does so too.
 * @param points scaled, of which those count that are beyond the reference point, 0, and not dominated
 */
export function pointwiseGain(points: readonly Point[], m: number): PointwiseGain {
  const beyond = points.filter((point) => Array.from(point).every((coordinate) => coordinate > 0));
  const front = thinned(
    frontOf(beyond).map((at) => beyond[at]!),
    MOST_POINTS[m]!,
  );
  const { cuts, lower, upper } = boxesBeyond(front, m);
  // Beyond the last cut there is nothing: the improvement on infinity is 0.
  const improvements = cuts.map((own) => new Float64Array(own.length + 1));
  return (mean, sigma) => {
    let reach = Infinity;
    for (let i = 0; i < m; i++) {
      const own = cuts[i]!;
      const to = improvements[i]!;
      for (let c = 0; c < own.length; c++) to[c] = expectedImprovement(mean[i]!, sigma[i]!, own[c]!);
      reach = Math.min(reach, mean[i]! + WITHIN * sigma[i]!);
    }
    let sum = 0;
    for (let at = 0; at < lower.length; at += m) {
      let product = 1;
      for (let i = 0; i < m && product > 0; i++)
        product *= improvements[i]![lower[at + i]!]! - improvements[i]![upper[at + i]!]!;
      if (product > 0) sum += product;
    }
    return sum > NEGLIGIBLE ? sum : reach / (1 + Math.abs(reach)) - 2;
  };
}
