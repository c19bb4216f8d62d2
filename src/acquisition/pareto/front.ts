/** Points that are to be maximised in every coordinate. */
export type Point = Float64Array | readonly number[];

/** Whether `a` is nowhere worse than `b` and somewhere better. */
export function dominates(a: Point, b: Point): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return false;
    if (a[i]! > b[i]!) better = true;
  }
  return better;
}

const sumOf = (point: Point): number => {
  let sum = 0;
  for (let i = 0; i < point.length; i++) sum += point[i]!;
  return sum;
};

/** Indices, in their order, of the points that no other dominates. Equal points are all there. O(n x front). */
export function frontOf(points: readonly Point[]): number[] {
  const sums = points.map(sumOf);
  // What dominates a point has the larger sum, so it comes before it; of equal sums, by rounding, after it.
  const order = [...points.keys()].sort((a, b) => sums[b]! - sums[a]!);
  let front: number[] = [];
  for (const at of order) {
    const point = points[at]!;
    if (front.some((other) => dominates(points[other]!, point))) continue;
    front = front.filter((other) => !dominates(point, points[other]!));
    front.push(at);
  }
  return front.sort((a, b) => a - b);
}
