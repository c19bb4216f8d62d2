import { dominates, type Point } from './front';

/** Adds a point to others of which none dominates another, looking at the first `m` coordinates. */
function withPoint(points: readonly Point[], point: Point, m: number): readonly Point[] {
  const notBelow = (a: Point, b: Point) => {
    for (let i = 0; i < m; i++) if (a[i]! < b[i]!) return false;
    return true;
  };
  if (points.some((other) => notBelow(other, point))) return points;
  return [...points.filter((other) => !notBelow(point, other)), point];
}

/** Points by their coordinate m - 1, the largest first; and their slabs: what lies between one and the next. */
function* slabsOf(points: readonly Point[], m: number) {
  const last = m - 1;
  const sorted = [...points].sort((a, b) => b[last]! - a[last]!);
  let above: readonly Point[] = [];
  for (let k = 0; k < sorted.length; k++) {
    above = withPoint(above, sorted[k]!, last);
    yield { above, from: sorted[k + 1]?.[last] ?? 0, to: sorted[k]![last]! };
  }
}

/** Volume of the union of the boxes between 0 and each point, whose coordinates are all positive. */
function volume(points: readonly Point[], m: number): number {
  if (m === 1) return points.reduce((most, point) => Math.max(most, point[0]!), 0);
  let sum = 0;
  for (const { above, from, to } of slabsOf(points, m))
    if (to > from) sum += (to - from) * volume(above, m - 1);
  return sum;
}

/**
 * Exact hypervolume: how much of the space above the reference point lies below at least one of the points, all coordinates to be maximised.
 * By slicing along one coordinate after the other (Knowles 2002; While et al. 2006): O(n log n) in two dimensions, with n^2 and n^3 in three and
 * four, for fronts of hundreds.
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const above = points
    .map((point) => Float64Array.from(reference, (worst, i) => point[i]! - worst))
    .filter((point) => point.every((coordinate) => coordinate > 0));
  const front = above.filter((point) => !above.some((other) => dominates(other, point)));
  return volume(front, reference.length);
}

/** A region of boxes: box b reaches in coordinate i from `cuts[i][lower[b m + i]]` to `cuts[i][upper[b m + i]]`, without end where there is no such cut. */
export interface Boxes {
  readonly cuts: readonly Float64Array[];
  readonly lower: Int32Array;
  readonly upper: Int32Array;
}

type Interval = readonly [from: number, to: number];

function* openBoxes(points: readonly Point[], m: number): Generator<readonly Interval[]> {
  if (m === 0) {
    if (points.length === 0) yield [];
    return;
  }
  let top = Infinity;
  let above: readonly Point[] = [];
  const last = m - 1;
  const sorted = [...points].sort((a, b) => b[last]! - a[last]!);
  for (const point of [...sorted, null]) {
    const bottom = point?.[last] ?? 0;
    if (top > bottom) for (const box of openBoxes(above, last)) yield [...box, [bottom, top]];
    top = bottom;
    if (point) above = last === 0 ? [point] : withPoint(above, point, last);
  }
}

/** What of the space above 0 no point dominates, as boxes that do not overlap. @param points with positive coordinates, none dominated */
export function boxesBeyond(points: readonly Point[], m: number): Boxes {
  const boxes = [...openBoxes(points, m)];
  const cuts = Array.from({ length: m }, (_, i) =>
    Float64Array.from(new Set([0, ...points.map((point) => point[i]!)])).sort(),
  );
  const places = cuts.map((own) => new Map([...own].map((cut, at) => [cut, at])));
  const at = (side: 0 | 1) =>
    Int32Array.from(
      boxes.flatMap((box) => box.map((interval, i) => places[i]!.get(interval[side]) ?? cuts[i]!.length)),
    );
  return { cuts, lower: at(0), upper: at(1) };
}
