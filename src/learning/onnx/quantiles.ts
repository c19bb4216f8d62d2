import type { FeatureSpace } from '../gaussian-process/feature-space';
import { normalScore } from '../gaussian-process/normal-score';
import { int64, type GraphBuilder } from './graph';

/**
 * Levels of the ranked columns (feature-space.ts): where each value stands among the training values, linear between knots. The
 * knots are found by halving, all rows and columns at once.
 * @param values float64 [rows, ranked columns]
 * @returns float64, same shape
 */
export function quantileLevels(
  graph: GraphBuilder,
  { layout, ranked, knotStarts, knotValues, knotLevels }: FeatureSpace,
  values: string,
): string {
  const starts = Array.from(ranked, (_, c) => knotStarts[c]!);
  const ends = Array.from(ranked, (_, c) => knotStarts[c + 1]! - 1);
  const all = graph.constant(Float64Array.from(knotValues));
  const levels = graph.constant(Float64Array.from(knotLevels));
  const at = (knots: Float64Array, positions: readonly number[]) =>
    graph.constant(Float64Array.from(positions, (position) => knots[position]!));
  const [least, greatest] = [at(knotValues, starts), at(knotValues, ends)];
  const inside = graph.max(graph.min(values, greatest), least);

  const shape = graph.node('Shape', [inside]);
  let low = graph.node('Expand', [graph.constant(int64(starts)), shape]);
  let high = graph.node('Expand', [graph.constant(int64(ends)), shape]);
  const two = graph.constant(int64([2]), []);
  const widest = Math.max(...ends.map((end, c) => end - starts[c]!));
  for (let width = widest; width > 1; width = Math.ceil(width / 2)) {
    const middle = graph.divide(graph.add(low, high), two);
    const isBelow = graph.atLeast(inside, graph.node('Gather', [all, middle], { axis: 0 }));
    low = graph.where(isBelow, middle, low);
    high = graph.where(isBelow, high, middle);
  }
  const read = (table: string, positions: string) => graph.node('Gather', [table, positions], { axis: 0 });
  const share = graph.divide(
    graph.subtract(inside, read(all, low)),
    graph.subtract(read(all, high), read(all, low)),
  );
  const rise = graph.subtract(read(levels, high), read(levels, low));
  const between = graph.add(read(levels, low), graph.multiply(share, rise));

  const level = (quantile: number) => graph.scalar(layout === 'counts' ? normalScore(quantile) : quantile);
  const capped = graph.where(graph.node('Greater', [values, greatest]), level(1), between);
  return graph.where(graph.node('Less', [values, least]), level(0), capped);
}
