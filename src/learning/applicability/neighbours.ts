import type { FeatureMatrix, FeaturizerSpec } from '../../contracts';

/**
 * Fingerprint that similarity is told in, whatever the model itself sees: ECFP4 (Rogers and Hahn 2010), so that a figure means
 * the same for every model and in the literature.
 */
export const SIMILARITY_FEATURIZER: FeaturizerSpec = {
  kind: 'morgan',
  radius: 2,
  bits: 2048,
  counts: 'none',
};

/** The training molecule nearest to a query; `row` counts from 0 in the indexed matrix. */
export interface Nearest {
  readonly row: number;
  /** Tanimoto coefficient, 0..1. */
  readonly similarity: number;
}

/**
 * Finds the nearest of a fixed set of fingerprints. An inverted index (bit to rows) counts shared bits by walking only the
 * query's own bits, some fifty of 2,048, where a dense comparison would touch every word of every row.
 */
export class NeighbourIndex {
  private readonly rows: number;
  private readonly rowBytes: number;
  private readonly bitsSet: Uint16Array;
  /** Rows that have bit b: postings[starts[b]] up to postings[starts[b + 1]]. */
  private readonly starts: Uint32Array;
  private readonly postings: Uint32Array;

  /** @param matrix layout `bits`, at most 65,535 columns. */
  constructor(matrix: FeatureMatrix) {
    if (matrix.layout !== 'bits') throw new TypeError('a neighbour index needs packed fingerprints');
    this.rows = matrix.rows;
    this.rowBytes = matrix.columns / 8;
    this.bitsSet = new Uint16Array(matrix.rows);
    this.starts = new Uint32Array(matrix.columns + 1);
    const lists: number[][] = Array.from({ length: matrix.columns }, () => []);
    for (let row = 0; row < matrix.rows; row++) {
      const bits = bitsOf(matrix, row);
      this.bitsSet[row] = bits.length;
      for (const bit of bits) lists[bit]!.push(row);
    }
    lists.forEach((list, bit) => (this.starts[bit + 1] = this.starts[bit]! + list.length));
    this.postings = Uint32Array.from(lists.flat());
  }

  /** Nearest indexed row to row `row` of `queries`; the first one of equals. Null when nothing is indexed. */
  nearest(queries: FeatureMatrix, row: number): Nearest | null {
    if (this.rows === 0) return null;
    if (queries.columns / 8 !== this.rowBytes)
      throw new TypeError('the query has another fingerprint length than the index');
    const bits = bitsOf(queries, row);
    const shared = new Uint16Array(this.rows);
    for (const bit of bits) {
      for (let at = this.starts[bit]!; at < this.starts[bit + 1]!; at++) shared[this.postings[at]!]!++;
    }
    let best = { row: 0, similarity: -1 };
    for (let candidate = 0; candidate < this.rows; candidate++) {
      const both = shared[candidate]!;
      const either = bits.length + this.bitsSet[candidate]! - both;
      const similarity = either === 0 ? 0 : both / either;
      if (similarity > best.similarity) best = { row: candidate, similarity };
    }
    return best;
  }
}

/** Positions of the set bits of one row; bit b lies in byte b >> 3 at place b & 7. */
function bitsOf({ data, columns }: FeatureMatrix, row: number): number[] {
  const rowBytes = columns / 8;
  const bits: number[] = [];
  for (let byte = 0; byte < rowBytes; byte++) {
    for (let value = data[row * rowBytes + byte]!; value; value &= value - 1) {
      bits.push(byte * 8 + 31 - Math.clz32(value & -value));
    }
  }
  return bits;
}
