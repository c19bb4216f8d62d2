import type { EncodedRows } from '../gaussian-process/feature-space';
import type { PreparedModel } from '../gaussian-process/model';
import type { GraphBuilder } from './graph';
import type { Places } from './layout';
import { quantileLevels } from './quantiles';

/** Bits are on from half way between 0 and 1 up. */
const ON = 0.5;
/** Largest step of a count that fits the bytes it is multiplied in. */
const LARGEST_STEP = 255;

/** What queries and training rows have in common and hold in all, float64. */
interface Structure {
  /** Sum of minima, [rows, training rows]. */
  readonly shared: string;
  /** Bits that are on and counts, summed: [rows, 1]. */
  readonly own: string;
}

/**
 * Kernel values of every row against every training row (tanimoto.ts), float64 [rows, training rows].
 * Sums of minima are products of matrices of bytes: of bits as they are; of a count a, for the counts v₁ < v₂ < … that its key
 * has in training, min(a, b) = Σ clip(a - vⱼ₋₁, 0, vⱼ - vⱼ₋₁) [b ≥ vⱼ]. All of that is exact.
 */
export function minMaxKernel(
  graph: GraphBuilder,
  { space, reference }: PreparedModel,
  features: string,
  places: Places,
): string {
  const { encoded, mix } = reference;
  const { rows: n, width } = encoded;
  const { shared, own } =
    space.layout === 'counts'
      ? countStructure(graph, space.keys, encoded, features, places)
      : bitStructure(graph, bitColumns(space), encoded, features, places);
  const totals = graph.constant(Float64Array.from(encoded.counts), [1, n]);
  const union = graph.subtract(graph.add(own, totals), shared);
  if (width === 0) return alikeness(graph, shared, union);

  const ranked = graph.gather(
    features,
    Array.from(space.ranked, (column) => places.column(column)),
    1,
  );
  const levels = quantileLevels(graph, space, graph.cast(ranked, 'double'));
  if (!mix) {
    const apart = absoluteDistance(graph, levels, encoded);
    const columns = graph.scalar(width);
    return graph.divide(
      graph.subtract(graph.add(shared, columns), apart),
      graph.add(graph.add(union, columns), apart),
    );
  }
  const near = graph.node('Exp', [
    graph.multiply(
      squaredDistance(graph, levels, encoded),
      graph.scalar(-1 / (4 * mix.lengthScale ** 2 * width)),
    ),
  ]);
  const alike = alikeness(graph, shared, union);
  const beside = graph.add(graph.multiply(alike, graph.scalar(mix.product)), graph.scalar(mix.descriptors));
  return graph.add(graph.multiply(alike, graph.scalar(mix.structure)), graph.multiply(beside, near));
}

/** Shared over union; two empty vectors are the same. */
function alikeness(graph: GraphBuilder, shared: string, union: string): string {
  const one = graph.scalar(1);
  const isEmpty = graph.node('Less', [union, one]);
  return graph.where(isEmpty, one, graph.divide(shared, graph.max(union, one)));
}

const bitColumns = ({ layout, columns, binary }: PreparedModel['space']): number[] =>
  layout === 'bits' ? Array.from({ length: columns }, (_, column) => column) : Array.from(binary);

/** @param columns of the feature matrix, in the order of the encoded bits */
function bitStructure(
  graph: GraphBuilder,
  columns: readonly number[],
  { rows: n, words, bits }: EncodedRows,
  features: string,
  places: Places,
): Structure {
  if (columns.length === 0) return nothing(graph, features);
  const read = graph.gather(
    features,
    columns.map((column) => places.column(column)),
    1,
  );
  const on = graph.atLeast(read, graph.scalar32(ON));
  const own = graph.cast(graph.sum(graph.cast(on, 'float'), 1, true), 'double');
  const isOn = (row: number, bit: number) => (bits[row * words + (bit >>> 5)]! >>> (bit & 31)) & 1;
  const known = columns.flatMap((_, bit) => {
    for (let row = 0; row < n; row++) if (isOn(row, bit)) return [bit];
    return [];
  });
  if (known.length === 0) return { shared: graph.scalar(0), own };
  const table = new Uint8Array(known.length * n);
  known.forEach((bit, i) => {
    for (let row = 0; row < n; row++) table[i * n + row] = isOn(row, bit);
  });
  const bytes = graph.gather(graph.cast(on, 'uint8'), known, 1);
  return { shared: product(graph, bytes, table, n), own };
}

/** Counts of the training rows by column: row and count of each. */
function countsByColumn({ rows, countStarts, countColumns, countValues }: EncodedRows, columns: number) {
  const lists: { row: number; count: number }[][] = Array.from({ length: columns }, () => []);
  for (let row = 0; row < rows; row++)
    for (let at = countStarts[row]!; at < countStarts[row + 1]!; at++)
      lists[countColumns[at]!]!.push({ row, count: countValues[at]! });
  return lists;
}

function countStructure(
  graph: GraphBuilder,
  keys: Uint32Array,
  encoded: EncodedRows,
  features: string,
  places: Places,
): Structure {
  const n = encoded.rows;
  const own = graph.cast(graph.gather(features, [places.total], 1), 'double');
  const steps = countsByColumn(encoded, keys.length).flatMap((list, column) => {
    const place = places.count(keys[column]!);
    const found = [...new Set(list.map(({ count }) => count))].sort((a, b) => a - b);
    let before = 0;
    return found.flatMap((count) => {
      const parts: { place: number; from: number; size: number; rows: number[] }[] = [];
      const rows = list.flatMap((entry) => (entry.count >= count ? [entry.row] : []));
      for (; before < count; before += parts.at(-1)!.size)
        parts.push({ place, from: before, size: Math.min(LARGEST_STEP, count - before), rows });
      return parts;
    });
  });
  if (steps.length === 0) return { shared: graph.scalar(0), own };
  const table = new Uint8Array(steps.length * n);
  steps.forEach(({ rows }, i) => rows.forEach((row) => (table[i * n + row] = 1)));
  const read = graph.gather(
    features,
    steps.map(({ place }) => place),
    1,
  );
  const above = graph.subtract(read, graph.constant(Float32Array.from(steps, ({ from }) => from)));
  const sizes = graph.constant(Float32Array.from(steps, ({ size }) => size));
  const clipped = graph.min(graph.max(above, graph.scalar32(0)), sizes);
  return { shared: product(graph, graph.cast(clipped, 'uint8'), table, n), own };
}

/** Bytes times bytes, summed in int32: exact. @param table [terms, n] */
function product(graph: GraphBuilder, bytes: string, table: Uint8Array, n: number): string {
  const constant = graph.constant(table, [table.length / n, n]);
  return graph.cast(graph.node('MatMulInteger', [bytes, constant]), 'double');
}

/** Of columns that all have one value in training. */
function nothing(graph: GraphBuilder, features: string): Structure {
  const first = graph.gather(features, [0], 1);
  const never = graph.node('Greater', [first, graph.scalar32(Infinity)]);
  return { shared: graph.scalar(0), own: graph.cast(never, 'double') };
}

/** |u - v|₁ over the level columns, one after the other: no table of rows x training rows x columns is ever made. */
function absoluteDistance(
  graph: GraphBuilder,
  levels: string,
  { rows: n, width, levels: known }: EncodedRows,
): string {
  let sum: string | undefined;
  for (let c = 0; c < width; c++) {
    const column = Float64Array.from({ length: n }, (_, row) => known[row * width + c]!);
    const gap = graph.subtract(graph.gather(levels, [c], 1), graph.constant(column, [1, n]));
    const size = graph.node('Abs', [gap]);
    sum = sum === undefined ? size : graph.add(sum, size);
  }
  return sum!;
}

/** |u - v|² over the level columns. */
function squaredDistance(
  graph: GraphBuilder,
  levels: string,
  { rows: n, width, levels: known }: EncodedRows,
): string {
  const turned = new Float64Array(width * n);
  const squares = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    for (let c = 0; c < width; c++) {
      const value = known[row * width + c]!;
      turned[c * n + row] = value;
      squares[row]! += value * value;
    }
  }
  const own = graph.sum(graph.square(levels), 1, true);
  const both = graph.multiply(graph.matMul(levels, graph.constant(turned, [width, n])), graph.scalar(2));
  const distance = graph.subtract(graph.add(own, graph.constant(squares, [1, n])), both);
  return graph.max(distance, graph.scalar(0));
}
