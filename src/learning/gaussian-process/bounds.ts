import type { FeatureMatrix } from '../../contracts';
import { COLUMN_STEP } from './dense-columns';
import type { Directions } from './directions';
import { CONSTANT_VECTORS, putConstants } from './kernel-loops';
import { machineOf } from './kernel-rows';
import type { PreparedModel } from './model';
import { querySource } from './query-source';
import { SharedCounts } from './shared-counts';

/** What is sure of each row: its mean lies within `reach` of `mean`, and its epistemic deviation is at most `most`. Units of the targets. */
export interface RowBounds {
  readonly mean: Float64Array;
  readonly reach: Float64Array;
  readonly most: Float64Array;
}

/** Rows worked on together, and columns and rows of a tile of the float32 products. */
const BLOCK = 64;
const TILE_COLUMNS = 8;
const TILE_ROWS = 4;
/** Values summed in float32 before float64 takes over. */
const CHUNK = COLUMN_STEP;
const SINGLE = 4;
/** Rounding of float32, relative. */
const UNIT = 2 ** -24;
/**
 * Most that a kernel value in float32 is off by, beside what its descriptor distance is: the quotient, the exponential (relative error
 * below 4e-7, tests/learning/gaussian-process/kernel-rows.test.ts), the weights and five operations.
 */
const VALUE_ERROR = 1.5e-6;
/** Rounding in float64 of what `predict` gives and of the bound, as a share of the prior variance. */
const SHARE_ERROR = 1e-8;

/** Whether rows can be bounded: the model's kernel has a fast form, and the scores are of its own latent function. */
export const canBound = (model: PreparedModel): boolean => model.reference.dense !== undefined && !model.link;

/**
 * Bounds of every row at a fraction of the cost of its variance. Kernel values are made in float32 and their error carried through: with
 * |k - k'| <= e for each, a weighted sum of them is off by at most e |weights|_1 and its own rounding. A row without any bit or count, or
 * with a descriptor that is not finite, has no bound.
 */
export function boundRows(
  model: PreparedModel,
  { rows: directions, count }: Directions,
  features: FeatureMatrix,
): RowBounds {
  const { reference, coefficients, space, shift, scale, signalVariance } = model;
  const { encoded, mix } = reference;
  const dense = reference.dense!;
  const n = encoded.rows;
  const { stride } = dense;
  const { width } = encoded;
  const apart = mix !== undefined && width > 0;
  const steps = Math.ceil(width / 4) * 4;
  const source = querySource(space, features);
  const columns = Math.ceil((1 + count) / TILE_COLUMNS) * TILE_COLUMNS;
  const chunks = stride / CHUNK;

  const sizes = {
    bytes: dense.bytes.length,
    totals: SINGLE * stride,
    squares: SINGLE * stride,
    labels: SINGLE * steps * stride,
    weights: SINGLE * columns * stride,
    levels: SINGLE * steps * BLOCK,
    levelPanels: SINGLE * steps * BLOCK,
    kernel: SINGLE * BLOCK * stride,
    kernelPanels: SINGLE * BLOCK * CHUNK,
    sums: SINGLE * BLOCK * columns * chunks,
    shared: 2 * stride,
    constants: 16 * CONSTANT_VECTORS,
    entries: SINGLE * source.entryWords,
  };
  const at = { ...sizes };
  let size = 0;
  for (const key of Object.keys(sizes) as (keyof typeof sizes)[]) {
    at[key] = size;
    size += Math.ceil(sizes[key] / 16) * 16;
  }
  const machine = machineOf(size);
  const { memory, tiles } = machine;
  const singles = (key: keyof typeof sizes) => new Float32Array(memory, at[key], sizes[key] / SINGLE);

  new Uint8Array(memory, at.bytes, sizes.bytes).set(dense.bytes);
  singles('totals').set(dense.totals);
  singles('squares').set(dense.squares);
  const labels = singles('labels').fill(0);
  if (apart) {
    for (let i = 0; i < n; i++) {
      const panel = Math.floor(i / TILE_COLUMNS) * TILE_COLUMNS * steps + (i % TILE_COLUMNS);
      // Negative: the loop adds the products to the squares.
      for (let c = 0; c < width; c++) labels[panel + c * TILE_COLUMNS] = -encoded.levels[i * width + c]!;
    }
  }
  // The mean's weights are the first column, directions follow; by panels of TILE_COLUMNS, in each step by step.
  const weights = singles('weights').fill(0);
  const norms = new Float64Array(1 + count);
  for (let j = 0; j <= count; j++) {
    const panel = Math.floor(j / TILE_COLUMNS) * TILE_COLUMNS * stride + (j % TILE_COLUMNS);
    for (let i = 0; i < n; i++) {
      const weight = j === 0 ? coefficients[i]! : directions[(j - 1) * n + i]!;
      weights[panel + i * TILE_COLUMNS] = weight;
      norms[j]! += Math.abs(weight);
    }
  }
  const factor = apart ? -1 / (4 * mix.lengthScale ** 2 * width) : 0;
  const shares = {
    structure: mix?.structure ?? 1,
    product: mix?.product ?? 0,
    descriptors: mix?.descriptors ?? 0,
  };
  const constants = singles('constants');
  putConstants(constants, { own: 0, square: 0, factor, ...shares });
  const largest = dense.squares.reduce((most, square) => Math.max(most, square), 0);
  // Entries rounded to float32, width + 2 sums and products, and three sums of the squares: each at most UNIT of the squares together.
  const distanceError = (square: number) =>
    (shares.product + shares.descriptors) * -factor * (width + 16) * UNIT * 2 * (square + largest);
  const places = { columns: at.bytes, entries: at.entries, shared: at.shared };
  const counts = new SharedCounts(machine, reference, places, source.keys);
  const levels = singles('levels').fill(0);
  const sums = singles('sums');
  const run = apart ? machine.mixed32 : machine.ratios32;
  const valuesEnd = SINGLE * Math.ceil(n / 4) * 4;
  singles('kernel').fill(0);

  const out: RowBounds = {
    mean: new Float64Array(features.rows),
    reach: new Float64Array(features.rows),
    most: new Float64Array(features.rows),
  };
  const totals = new Float64Array(BLOCK);
  const squares = new Float64Array(BLOCK);
  const blockSums = new Float64Array(columns);
  const unit = scale * Math.sqrt(signalVariance);
  for (let first = 0; first < features.rows; first += BLOCK) {
    const rows = Math.min(BLOCK, features.rows - first);
    const tileRows = Math.ceil(rows / TILE_ROWS);
    if (apart) {
      for (let r = 0; r < rows; r++) squares[r] = source.levels(first + r, levels, r * steps);
      const panelBytes = TILE_ROWS * steps * SINGLE;
      for (let t = 0; t < tileRows; t++) {
        const to = at.levelPanels + t * panelBytes;
        tiles.turn4(at.levels + t * panelBytes, to, to + panelBytes, steps * SINGLE);
      }
      const end = at.levelPanels + tileRows * panelBytes;
      for (let p = 0; p * TILE_COLUMNS < n; p++) {
        const b = at.labels + p * TILE_COLUMNS * steps * SINGLE;
        const c = at.kernel + p * TILE_COLUMNS * SINGLE;
        tiles.start(at.levelPanels, end, panelBytes, b, c, stride * SINGLE, -Infinity);
      }
    }
    for (let r = 0; r < rows; r++) {
      const own = source.shared(counts, first + r);
      totals[r] = own;
      constants.fill(own, 0, 4);
      constants.fill(squares[r]!, 4, 8);
      const line = at.kernel + r * stride * SINGLE;
      run(at.shared, at.totals, at.squares, line, line, line + valuesEnd, at.constants);
    }
    const panelBytes = TILE_ROWS * CHUNK * SINGLE;
    for (let h = 0; h < chunks; h++) {
      for (let t = 0; t < tileRows; t++) {
        const to = at.kernelPanels + t * panelBytes;
        const row = at.kernel + (t * TILE_ROWS * stride + h * CHUNK) * SINGLE;
        tiles.turn4(row, to, to + panelBytes, stride * SINGLE);
      }
      const end = at.kernelPanels + tileRows * panelBytes;
      for (let q = 0; q < columns; q += TILE_COLUMNS) {
        const b = at.weights + (q * stride + h * CHUNK * TILE_COLUMNS) * SINGLE;
        const c = at.sums + (h * BLOCK * columns + q) * SINGLE;
        tiles.start(at.kernelPanels, end, panelBytes, b, c, columns * SINGLE, -Infinity);
      }
    }
    for (let r = 0; r < rows; r++) {
      const row = first + r;
      blockSums.fill(0);
      for (let h = 0; h < chunks; h++) {
        const line = (h * BLOCK + r) * columns;
        for (let j = 0; j < columns; j++) blockSums[j]! += sums[line + j]!;
      }
      const error = VALUE_ERROR + distanceError(squares[r]!) + (CHUNK + 4) * UNIT;
      // Each measurement less what it may be off by: of those with large weights, which explain little, nothing is sure.
      let known = 0;
      for (let j = 1; j <= count; j++) {
        const sure = Math.abs(blockSums[j]!) - error * norms[j]!;
        if (!(sure <= 0)) known += sure * sure;
      }
      const open = Math.min(1, 1 - known) + SHARE_ERROR;
      const bounded = totals[r]! > 0 && Number.isFinite(squares[r]!) && Number.isFinite(known);
      out.mean[row] = bounded ? shift + scale * (model.mean + blockSums[0]!) : shift;
      out.reach[row] = bounded ? scale * (error * norms[0]! + SHARE_ERROR) : Infinity;
      out.most[row] = bounded ? unit * Math.sqrt(Math.max(0, open)) : Infinity;
    }
  }
  return out;
}
