import { TILE_COLUMNS, TILE_ROWS, type Pack, type TileFunctions } from './wasm-tiles';

const VALUE = 4;

/**
 * Sizes of what is packed at a time, in rows or columns and in steps. A panel of the right factor (8 KB) stays in the first-level cache
 * while a block of the left one (128 KB) passes by from the second.
 */
const BLOCK = { rows: 128, columns: 256, steps: 256 };

/** A factor in memory: bytes to where it starts, and values from one row (or column) of the product, or step, to the next. */
export interface Factor {
  readonly at: number;
  readonly lane: number;
  readonly step: number;
}

export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly steps: number;
  readonly left: Factor;
  readonly right: Factor;
  /** Bytes to the result, row-major. */
  readonly to: number;
  /** The product is added to what lies at its place. */
  readonly adds: boolean;
  /** Negative results become 0. */
  readonly rectified: boolean;
}

const whole = (size: number, unit: number) => Math.ceil(size / unit) * unit;

/** Values of scratch memory that {@link multiply} needs. */
export function scratchSize({ rows, columns, steps }: Product): number {
  const depth = Math.min(steps, BLOCK.steps);
  return (
    depth *
      (Math.min(whole(rows, TILE_ROWS), BLOCK.rows) + Math.min(whole(columns, TILE_COLUMNS), BLOCK.columns)) +
    TILE_ROWS * whole(columns, TILE_COLUMNS) +
    whole(rows, TILE_ROWS) * TILE_COLUMNS
  );
}

/**
 * A product of float32 matrices. Every sum is taken in the order of the steps.
 * @param heap the memory that the functions work on @param scratch bytes to {@link scratchSize} values
 */
export function multiply(
  functions: TileFunctions,
  heap: Float32Array,
  product: Product,
  scratch: number,
): void {
  const { rows, columns, steps, left, right, to, adds, rectified } = product;
  const depth = Math.min(steps, BLOCK.steps);
  const aAt = scratch;
  const bAt = aAt + Math.min(whole(rows, TILE_ROWS), BLOCK.rows) * depth * VALUE;
  const fullRows = rows - (rows % TILE_ROWS);
  const fullColumns = columns - (columns % TILE_COLUMNS);
  // Tiles that stick out of the result are computed beside it: the last rows, and the last columns.
  const lastRows: Edge = {
    at: bAt + Math.min(whole(columns, TILE_COLUMNS), BLOCK.columns) * depth * VALUE,
    stride: whole(columns, TILE_COLUMNS),
    ...{ top: fullRows, left: 0, rows: rows - fullRows, columns },
  };
  const lastColumns: Edge = {
    at: lastRows.at + TILE_ROWS * lastRows.stride * VALUE,
    stride: TILE_COLUMNS,
    ...{ top: 0, left: fullColumns, rows: fullRows, columns: columns - fullColumns },
  };
  if (adds) for (const edge of [lastRows, lastColumns]) copyEdge(heap, edge, product, false);
  for (let k = 0; k < steps; k += depth) {
    const count = Math.min(depth, steps - k);
    const floor = rectified && k + count === steps ? 0 : Number.NEGATIVE_INFINITY;
    const tiles = k > 0 || adds ? functions.add : functions.start;
    const panel = (width: number) => count * width * VALUE;
    for (let top = 0; top < rows; top += BLOCK.rows) {
      const height = Math.min(BLOCK.rows, rows - top);
      packBlock(
        heap,
        left,
        { from: top, lanes: height, k, count, width: TILE_ROWS },
        aAt,
        functions.copy4,
        functions.turn4,
      );
      const fullPanels = Math.floor(height / TILE_ROWS);
      const aEdge = aAt + fullPanels * panel(TILE_ROWS);
      for (let first = 0; first < columns; first += BLOCK.columns) {
        const breadth = Math.min(BLOCK.columns, columns - first);
        const block = { from: first, lanes: breadth, k, count, width: TILE_COLUMNS };
        packBlock(heap, right, block, bAt, functions.copy8, functions.turn8);
        for (
          let column = first, b = bAt;
          column < first + breadth;
          column += TILE_COLUMNS, b += panel(TILE_COLUMNS)
        ) {
          const inside = column < fullColumns;
          const c = inside
            ? to + (top * columns + column) * VALUE
            : lastColumns.at + top * TILE_COLUMNS * VALUE;
          const stride = inside ? columns : TILE_COLUMNS;
          if (fullPanels > 0) tiles(aAt, aEdge, panel(TILE_ROWS), b, c, stride * VALUE, floor);
          if (fullPanels * TILE_ROWS === height) continue;
          const beside = lastRows.at + column * VALUE;
          tiles(aEdge, aEdge + 1, panel(TILE_ROWS), b, beside, lastRows.stride * VALUE, floor);
        }
      }
    }
  }
  for (const edge of [lastRows, lastColumns]) copyEdge(heap, edge, product, true);
}

/** A part of the result that is computed beside it. */
interface Edge {
  readonly at: number;
  /** Values from row to row beside the result. */
  readonly stride: number;
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
}

function copyEdge(heap: Float32Array, edge: Edge, { to, columns }: Product, back: boolean): void {
  for (let row = 0; row < edge.rows; row++) {
    const beside = edge.at / VALUE + row * edge.stride;
    const inside = to / VALUE + (edge.top + row) * columns + edge.left;
    if (back) heap.copyWithin(inside, beside, beside + edge.columns);
    else heap.copyWithin(beside, inside, inside + edge.columns);
  }
}

/** Lanes `from` and on, and steps `k` and on, of a factor in panels of `width` lanes. */
interface Block {
  readonly from: number;
  readonly lanes: number;
  readonly k: number;
  readonly count: number;
  readonly width: number;
}

/** Packs a block of a factor; lanes that are not there are 0. */
function packBlock(
  heap: Float32Array,
  factor: Factor,
  { from, lanes, k, count, width }: Block,
  to: number,
  copy: Pack,
  turn: Pack,
): void {
  for (let lane = 0, at = to; lane < lanes; lane += width, at += count * width * VALUE) {
    const start = factor.at + ((from + lane) * factor.lane + k * factor.step) * VALUE;
    // How many steps the vector code packs; it needs a whole panel, and to turn it four steps at a time.
    let done =
      lane + width > lanes ? 0 : factor.lane === 1 ? count : factor.step === 1 ? count - (count % 4) : 0;
    if (done > 0) {
      const end = at + done * width * VALUE;
      if (factor.lane === 1) copy(start, at, end, factor.step * VALUE);
      else turn(start, at, end, factor.lane * VALUE);
    }
    for (; done < count; done++)
      for (let i = 0; i < width; i++)
        heap[at / VALUE + done * width + i] =
          lane + i < lanes ? heap[start / VALUE + done * factor.step + i * factor.lane]! : 0;
  }
}
