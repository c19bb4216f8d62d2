import fc from 'fast-check';
import { byColumn, encodeRows, learnEncoding, takeRows } from '../../../src/learning/mlp-ensemble/inputs';
import type { FeatureRows } from '../../../src/learning/ensemble';

function bitRows(rows: readonly (readonly boolean[])[]): FeatureRows {
  const columns = rows[0]!.length;
  const data = new Uint8Array((rows.length * columns) / 8);
  rows.forEach((row, i) => row.forEach((on, j) => on && (data[(i * columns + j) >> 3]! |= 1 << (j % 8))));
  return { moleculeIds: rows.map((_, i) => `m${i}`), rows: rows.length, columns, layout: 'bits', data };
}
function denseRows(rows: readonly (readonly number[])[]): FeatureRows {
  const columns = rows[0]!.length;
  return {
    moleculeIds: rows.map((_, i) => `m${i}`),
    rows: rows.length,
    columns,
    layout: 'dense',
    data: Float32Array.from(rows.flat()),
  };
}

/** What the first layer sees of a row: its value at each source column that is used. */
function decode(features: FeatureRows): Map<number, number>[] {
  const encoding = learnEncoding(features);
  const { offsets, indices, dense } = encodeRows(features, encoding);
  return Array.from({ length: features.rows }, (_, row) => {
    const seen = new Map<number, number>();
    const entries = [...indices.subarray(offsets[row], offsets[row + 1])];
    expect(entries.at(-1)).toBe(encoding.sparse.length);
    for (const entry of entries.slice(0, -1)) seen.set(encoding.sparse[entry]!, 1);
    encoding.dense.forEach((column, i) => seen.set(column, dense[row * encoding.dense.length + i]!));
    return seen;
  });
}

const matrix = fc
  .integer({ min: 2, max: 12 })
  .chain((rows) =>
    fc.array(fc.array(fc.boolean(), { minLength: 64, maxLength: 64 }), { minLength: rows, maxLength: rows }),
  );

describe('network inputs', () => {
  it('of packed bits are the bits, without columns that are constant or on once', () => {
    fc.assert(
      fc.property(matrix, (rows) => {
        const seen = decode(bitRows(rows));
        for (let column = 0; column < 64; column++) {
          const on = rows.filter((row) => row[column]).length;
          const used = on >= 2 && on < rows.length;
          rows.forEach((row, i) => expect(seen[i]!.get(column) ?? 0).toBe(used && row[column] ? 1 : 0));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are the same for flags in a dense matrix', () => {
    fc.assert(
      fc.property(matrix, (rows) => {
        expect(decode(denseRows(rows.map((row) => row.map(Number))))).toEqual(decode(bitRows(rows)));
      }),
      { numRuns: 20 },
    );
  });

  it('of descriptors have mean 0 and variance 1 over the training rows, and are cut at ten deviations elsewhere', () => {
    const training = denseRows([
      [1, 300, 5],
      [2, 400, 5],
      [3, 500, 5],
      [4, 700, 5],
    ]);
    const encoding = learnEncoding(training);
    expect([...encoding.dense]).toEqual([0, 1]);
    const { dense } = encodeRows(training, encoding);
    for (const column of [0, 1]) {
      const values = [0, 1, 2, 3].map((row) => dense[2 * row + column]!);
      expect(values.reduce((a, b) => a + b)).toBeCloseTo(0, 5);
      expect(values.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 5);
    }
    expect([...encodeRows(denseRows([[1e9, -1e9, 0]]), encoding).dense]).toEqual([10, -10]);
  });

  it('name the molecule whose descriptor is not a number', () => {
    const features = denseRows([
      [1, 2],
      [3, Number.NaN],
    ]);
    expect(() => learnEncoding(features)).toThrow(/m1.*Feature 1 is NaN/);
    const encoding = learnEncoding(
      denseRows([
        [1, 2],
        [3, 5],
      ]),
    );
    expect(() => encodeRows(features, encoding, 1, 2)).toThrow(/m1/);
    expect(encodeRows(features, encoding, 0, 1).rows).toBe(1);
  });

  it('of a batch list the same entries by row and by column', () => {
    fc.assert(
      fc.property(matrix, fc.array(fc.nat(1), { minLength: 1, maxLength: 20 }), (rows, picks) => {
        const features = bitRows(rows);
        const encoding = learnEncoding(features);
        const columns = encoding.sparse.length + 1;
        const batch = takeRows(encodeRows(features, encoding), picks);
        const sorted = byColumn(batch, columns);
        const entries = ({ columnOf, rowOf }: typeof sorted) =>
          [...columnOf].map((column, i) => `${column}:${rowOf[i]}`);
        expect(entries(sorted).sort()).toEqual(entries(batch).sort());
        expect([...sorted.columnOf]).toEqual([...sorted.columnOf].sort((a, b) => a - b));
        expect([...batch.rowOf]).toEqual([...batch.rowOf].sort((a, b) => a - b));
        expect(sorted.columnOf.at(-1)).toBe(columns - 1);
      }),
      { numRuns: 50 },
    );
  });
});
