import type { Random } from '../../foundation';
import type { EncodedRows } from './feature-space';

/**
 * Draws from the GP prior with the MinMax kernel at any number of rows, without a kernel matrix: random features by
 * min-wise hashing (Broder 1997; Tripp, Bacallado, Singh and Hernandez-Lobato 2023, "Tanimoto random features for scalable
 * molecular machine learning").
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
  readonly bitElements: number;
  readonly starts: Int32Array;
  readonly indices: Int32Array;
}

function listElements(blocks: readonly EncodedRows[]): ElementLists {
  const { words, width } = blocks[0]!;
  const bitElements = words * 32;
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  const starts = new Int32Array(rows + 1);
  let row = 0;
  for (const block of blocks) {
    for (let r = 0; r < block.rows; r++, row++)
      starts[row + 1] = starts[row]! + block.counts[r]! + width * STEPS;
  }
  const indices = new Int32Array(starts[rows]!);
  let at = 0;
  for (const block of blocks) {
    for (let r = 0; r < block.rows; r++) {
      for (let k = 0; k < words; k++) {
        for (let word = block.bits[r * words + k]!; word !== 0; word &= word - 1) {
          indices[at++] = k * 32 + 31 - Math.clz32(word & -word);
        }
      }
      for (let c = 0; c < width; c++) {
        // u turns on the steps below it, 1 - u those from it on in a second set.
        const level = Math.round(block.levels[r * width + c]! * STEPS);
        const first = bitElements + c * 2 * STEPS;
        for (let s = 0; s < STEPS; s++) indices[at++] = s < level ? first + s : first + STEPS + s;
      }
    }
  }
  return { rows, elements: bitElements + width * 2 * STEPS, bitElements, starts, indices };
}

/**
 * @param blocks rows of one feature space; the draws are joint over all of them.
 * @returns `count` draws, each with one value a row, in the order of the blocks; zero mean, unit variance.
 */
export function drawPrior(blocks: readonly EncodedRows[], count: number, random: Random): Float64Array[] {
  const { rows, elements, bitElements, starts, indices } = listElements(blocks);
  const draws = Array.from({ length: count }, () => new Float64Array(rows));
  const arrival = new Float64Array(elements);
  const firstOf = new Int32Array(rows);
  // A row without elements hashes to one extra element: such rows equal each other and nothing else.
  const seen = new Int32Array(elements + 1).fill(-1);
  const values = new Float64Array(elements + 1);
  const distinct: number[] = [];
  for (let hash = 0; hash < HASHES; hash++) {
    for (let e = 0; e < elements; e++)
      arrival[e] = -Math.log(1 - random.next()) * (e < bitElements ? 1 : STEPS);
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
    for (const draw of draws) {
      for (const element of distinct) values[element] = random.normal();
      for (let r = 0; r < rows; r++) draw[r]! += values[firstOf[r]!]!;
    }
  }
  const norm = 1 / Math.sqrt(HASHES);
  for (const draw of draws) for (let r = 0; r < rows; r++) draw[r]! *= norm;
  return draws;
}
