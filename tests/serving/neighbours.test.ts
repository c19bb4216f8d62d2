import fc from 'fast-check';
import type { FeatureMatrix } from '../../src/contracts';
import { NeighbourIndex, SIMILARITY_FEATURIZER } from '../../src/serving/neighbours';

const BYTES = 8;

function matrix(rows: readonly Uint8Array[]): FeatureMatrix {
  const data = new Uint8Array(rows.length * BYTES);
  rows.forEach((row, index) => data.set(row, index * BYTES));
  const moleculeIds = rows.map((_, index) => String(index));
  return {
    spec: SIMILARITY_FEATURIZER,
    moleculeIds,
    rows: rows.length,
    columns: BYTES * 8,
    layout: 'bits',
    data,
  };
}

const bits = (row: Uint8Array) =>
  new Set(
    [...row].flatMap((byte, i) => [...Array(8).keys()].filter((b) => byte & (1 << b)).map((b) => 8 * i + b)),
  );

function tanimoto(a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [bits(a), bits(b)];
  const both = [...left].filter((bit) => right.has(bit)).length;
  const either = left.size + right.size - both;
  return either ? both / either : 0;
}

const fingerprint = fc.uint8Array({ minLength: BYTES, maxLength: BYTES });

test('finds the first of the most similar rows, by the definition of Tanimoto', () => {
  fc.assert(
    fc.property(
      fc.array(fingerprint, { minLength: 1, maxLength: 12 }),
      fc.array(fingerprint, { minLength: 1, maxLength: 4 }),
      (known, asked) => {
        const index = new NeighbourIndex(matrix(known));
        asked.forEach((query, row) => {
          const similarities = known.map((other) => tanimoto(query, other));
          const best = Math.max(...similarities);
          expect(index.nearest(matrix(asked), row)).toEqual({
            row: similarities.indexOf(best),
            similarity: best,
          });
        });
      },
    ),
  );
});

test('a known molecule is its own nearest neighbour; an empty index has none', () => {
  const rows = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 128)];
  expect(new NeighbourIndex(matrix(rows)).nearest(matrix(rows), 1)).toEqual({ row: 1, similarity: 1 });
  expect(new NeighbourIndex(matrix([])).nearest(matrix(rows), 0)).toBeNull();
});

test('dense features and another length are refused', () => {
  const rows = [new Uint8Array(BYTES)];
  expect(() => new NeighbourIndex({ ...matrix(rows), layout: 'dense' })).toThrow(TypeError);
  expect(() => new NeighbourIndex(matrix(rows)).nearest({ ...matrix(rows), columns: 32 }, 0)).toThrow(
    TypeError,
  );
});
