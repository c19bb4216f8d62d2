import type { Random } from '../../foundation';
import type { EncodedRows } from './feature-space';
import type { KernelMix } from './tanimoto';

/**
 * Draws from the GP prior at any number of rows, without a kernel matrix: random features of the MinMax kernel by min-wise
 * hashing (Broder 1997; Tripp, Bacallado, Singh and Hernandez-Lobato 2023, "Tanimoto random features for scalable molecular
 * machine learning"), of the descriptor kernel by random waves (Rahimi and Recht 2007), of their product by the product of both.
 *
 * Every element of the feature space gets an exponential arrival time with its weight as rate; a row's hash is its first
 * element to arrive. Two rows share their hash with probability (weight of the common elements) / (weight of all), which
 * is the kernel. A hash function that gives every element a standard normal value is thus a function with unit variance
 * and the kernel as covariance; HASHES of them averaged make it Gaussian to a good approximation. The covariance of the
 * draws, given the hash functions, scatters about the kernel by at most 0.5 / sqrt(HASHES) = 0.016.
 */
export const HASHES = 1024;

/** Quantile pairs are cut into this many steps, each an element of weight 1 / STEPS. */
const STEPS = 16;

/** Elements of each row of several blocks, as one list: element indices [starts[r], starts[r + 1]) of row r. */
interface ElementLists {
  readonly rows: number;
  readonly elements: number;
  /** Elements of weight 1; those after them weigh 1 / STEPS. */
  readonly wholeElements: number;
  readonly starts: Int32Array;
  readonly indices: Int32Array;
}

/** @param ranked levels are quantile pairs of the MinMax kernel. */
function listElements(blocks: readonly EncodedRows[], ranked: boolean): ElementLists {
  const { words } = blocks[0]!;
  const width = ranked ? blocks[0]!.width : 0;
  const bitElements = words * 32;
  // A count c of a column is its elements 0 to c - 1: the minimum of two counts is what they have in common.
  const countedAt = countedElements(blocks, bitElements);
  const wholeElements = countedAt.at(-1)!;
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  const starts = new Int32Array(rows + 1);
  let row = 0;
  for (const block of blocks) {
    for (let r = 0; r < block.rows; r++, row++)
      starts[row + 1] = starts[row]! + block.counts[r]! + width * STEPS;
  }
  const indices = new Int32Array(starts[rows]!);
  let at = 0;
  for (const { rows: count, bits, levels, countStarts, countColumns, countValues } of blocks) {
    for (let r = 0; r < count; r++) {
      for (let k = 0; k < words; k++) {
        for (let word = bits[r * words + k]!; word !== 0; word &= word - 1) {
          indices[at++] = k * 32 + 31 - Math.clz32(word & -word);
        }
      }
      for (let entry = countStarts[r]!; entry < countStarts[r + 1]!; entry++) {
        const first = countedAt[countColumns[entry]!]!;
        for (let level = 0; level < countValues[entry]!; level++) indices[at++] = first + level;
      }
      for (let c = 0; c < width; c++) {
        // u turns on the steps below it, 1 - u those from it on in a second set.
        const level = Math.round(levels[r * width + c]! * STEPS);
        const first = wholeElements + c * 2 * STEPS;
        for (let s = 0; s < STEPS; s++) indices[at++] = s < level ? first + s : first + STEPS + s;
      }
    }
  }
  return { rows, elements: wholeElements + width * 2 * STEPS, wholeElements, starts, indices };
}

/** First element of each counted column, and at last the one after all: a column has as many as its greatest count. */
function countedElements(blocks: readonly EncodedRows[], from: number): number[] {
  const most: number[] = [];
  for (const { countColumns, countValues } of blocks) {
    countColumns.forEach((column, entry) => {
      most[column] = Math.max(most[column] ?? 0, countValues[entry]!);
    });
  }
  const starts = [from];
  for (let c = 0; c < most.length; c++) starts.push(starts[c]! + (most[c] ?? 0));
  return starts;
}

/**
 * @param blocks rows of one feature space; the draws are joint over all of them. Columns that the space does not have may be
 * in one block only, since each block numbers them for itself.
 * @returns `count` draws, each with one value a row, in the order of the blocks; zero mean, unit variance.
 */
export function drawPrior(
  blocks: readonly EncodedRows[],
  count: number,
  random: Random,
  mix?: KernelMix,
): Float64Array[] {
  const { rows, elements, wholeElements, starts, indices } = listElements(blocks, !mix);
  const draws = Array.from({ length: count }, () => new Float64Array(rows));
  const arrival = new Float64Array(elements);
  const firstOf = new Int32Array(rows);
  // A row without elements hashes to one extra element: such rows equal each other and nothing else.
  const seen = new Int32Array(elements + 1).fill(-1);
  const values = new Float64Array(elements + 1);
  const productValues = new Float64Array(elements + 1);
  const distinct: number[] = [];
  const wave = new Float64Array(rows);
  for (let hash = 0; hash < HASHES; hash++) {
    for (let e = 0; e < elements; e++)
      arrival[e] = -Math.log(1 - random.next()) * (e < wholeElements ? 1 : STEPS);
    distinct.length = 0;
    for (let r = 0; r < rows; r++) {
      let first = elements;
      let least = Infinity;
      for (let at = starts[r]!, end = starts[r + 1]!; at < end; at++) {
        const element = indices[at]!;
        const time = arrival[element]!;
        if (time < least) {
          least = time;
          first = element;
        }
      }
      firstOf[r] = first;
      if (seen[first] !== hash) {
        seen[first] = hash;
        distinct.push(first);
      }
    }
    if (mix) drawWave(blocks, mix, random, wave);
    const structure = Math.sqrt(mix?.structure ?? 1);
    const product = Math.sqrt(mix?.product ?? 0);
    const descriptors = Math.sqrt(mix?.descriptors ?? 0);
    for (const draw of draws) {
      for (const element of distinct) {
        values[element] = structure * random.normal();
        if (mix) productValues[element] = product * random.normal();
      }
      if (!mix) {
        for (let r = 0; r < rows; r++) draw[r]! += values[firstOf[r]!]!;
        continue;
      }
      const amplitude = descriptors * random.normal();
      for (let r = 0; r < rows; r++) {
        const element = firstOf[r]!;
        draw[r]! += values[element]! + (productValues[element]! + amplitude) * wave[r]!;
      }
    }
  }
  const norm = 1 / Math.sqrt(HASHES);
  for (const draw of draws) for (let r = 0; r < rows; r++) draw[r]! *= norm;
  return draws;
}

/** sqrt(2) cos(frequencies . levels + phase), whose mean product over random waves is the descriptor kernel. */
function drawWave(
  blocks: readonly EncodedRows[],
  { lengthScale }: KernelMix,
  random: Random,
  wave: Float64Array,
): void {
  const { width } = blocks[0]!;
  const deviation = width > 0 ? 1 / (lengthScale * Math.sqrt(2 * width)) : 0;
  const frequencies = Float64Array.from({ length: width }, () => deviation * random.normal());
  const phase = 2 * Math.PI * random.next();
  let at = 0;
  for (const { rows, levels } of blocks) {
    for (let r = 0; r < rows; r++) {
      let angle = phase;
      for (let c = 0; c < width; c++) angle += frequencies[c]! * levels[r * width + c]!;
      wave[at++] = Math.SQRT2 * Math.cos(angle);
    }
  }
}
