import fc from 'fast-check';
import { featurizerSchema, type FeatureMatrix } from '../../src/contracts';
import {
  concatFeatureMatrices,
  decodeFeatureMatrix,
  encodeFeatureMatrix,
  featureMatrix,
  featureShape,
  selectRows,
} from '../../src/chemistry';

const spec = (input: unknown) => featurizerSchema.parse(input);
const BITS = spec({ kind: 'morgan', bits: 64 });
const DENSE = spec({ kind: 'concatenation', parts: [{ kind: 'maccs' }, { kind: 'descriptors' }] });

const width = (of: FeatureMatrix['spec']) => {
  const { columns, layout } = featureShape(of);
  return layout === 'bits' ? columns / 8 : columns;
};
const matrices = fc
  .tuple(
    fc.constantFrom(BITS, DENSE, spec({ kind: 'maccs' })),
    fc.array(fc.string(), { maxLength: 9 }),
    fc.nat(),
  )
  .map(([of, ids, seed]) => {
    const values = Array.from({ length: ids.length * width(of) }, (_, i) => (i * 7919 + seed) % 251);
    return featureMatrix(
      of,
      ids,
      of === DENSE ? Float32Array.from(values, (v) => v / 7) : Uint8Array.from(values),
    );
  });
const code = (value: string) => expect.objectContaining({ code: value });

test('property: decoding gives back what was encoded, at any offset in a larger buffer, and encoding is a function', () => {
  fc.assert(
    fc.property(matrices, fc.integer({ min: 0, max: 9 }), (matrix, offset) => {
      const bytes = encodeFeatureMatrix(matrix);
      const larger = new Uint8Array(bytes.length + 16);
      larger.set(bytes, offset);
      expect(decodeFeatureMatrix(larger.subarray(offset, offset + bytes.length))).toEqual(matrix);
      expect(Buffer.from(encodeFeatureMatrix(structuredClone(matrix))).equals(bytes)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('the bytes are the same on every machine and in every version', () => {
  const matrix = featureMatrix(
    BITS,
    ['a', 'b'],
    Uint8Array.from({ length: 16 }, (_, i) => i),
  );
  const header =
    '{"columns":64,"layout":"bits","rows":2,"spec":{"bits":64,"counts":"simulated","kind":"morgan","radius":2}}';
  expect(Buffer.from(encodeFeatureMatrix(matrix))).toEqual(
    Buffer.concat([
      Buffer.from('TITRFM01'),
      Buffer.from([header.length, 0, 0, 0]),
      Buffer.from(header),
      Buffer.from([9, 0, 0, 0]),
      Buffer.from('["a","b"]'),
      Buffer.alloc(5),
      Buffer.from(matrix.data),
    ]),
  );
});

test('property: damaged bytes are an error, never another matrix', () => {
  fc.assert(
    fc.property(matrices, fc.nat(), (matrix, cut) => {
      const bytes = encodeFeatureMatrix(matrix);
      expect(() => decodeFeatureMatrix(bytes.subarray(0, cut % bytes.length))).toThrow(
        code('artifact-corrupt'),
      );
      expect(() => decodeFeatureMatrix(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(
        code('artifact-corrupt'),
      );
    }),
    { numRuns: 60 },
  );
  const text = Buffer.from(encodeFeatureMatrix(featureMatrix(BITS, ['a'], new Uint8Array(8)))).toString(
    'latin1',
  );
  for (const [found, instead] of [
    ['morgan', 'morgum'],
    ['"rows":1', '"rows":2'],
    ['"bits":64', '"bits":99'],
    ['columns":64', 'columns":65'],
    ['TITRFM01', 'TITRFM02'],
    ['{"col', '{{col'],
  ] as const) {
    expect(text).toContain(found);
    expect(() => decodeFeatureMatrix(Buffer.from(text.replace(found, instead), 'latin1'))).toThrow(
      code('artifact-corrupt'),
    );
  }
});

test('property: selecting the rows of each part from the whole gives the parts back', () => {
  fc.assert(
    fc.property(matrices, fc.nat(), (matrix, at) => {
      const cut = matrix.rows === 0 ? 0 : at % matrix.rows;
      const indices = Array.from({ length: matrix.rows }, (_, i) => i);
      const head = selectRows(matrix, indices.slice(0, cut));
      const tail = selectRows(matrix, Uint32Array.from(indices.slice(cut)));
      expect(concatFeatureMatrices([head, tail])).toEqual(matrix);
      const twice = selectRows(matrix, [...indices, ...indices].reverse());
      expect(twice.moleculeIds).toEqual([...matrix.moleculeIds, ...matrix.moleculeIds].reverse());
      expect(
        selectRows(
          twice,
          indices.map((i) => matrix.rows - 1 - i),
        ),
      ).toEqual(matrix);
    }),
    { numRuns: 60 },
  );
});

test('what does not belong together is refused', () => {
  const bits = featureMatrix(BITS, ['a'], new Uint8Array(8));
  const dense = featureMatrix(DENSE, ['a'], new Float32Array(168 + 43));
  expect(() => concatFeatureMatrices([bits, dense])).toThrow(code('internal'));
  expect(() =>
    concatFeatureMatrices([bits, { ...bits, spec: spec({ kind: 'atom-pair', bits: 64 }) }]),
  ).toThrow(code('internal'));
  expect(() => concatFeatureMatrices([])).toThrow(code('internal'));
  for (const index of [-1, 1, 0.5, NaN]) expect(() => selectRows(bits, [index])).toThrow(code('internal'));
  expect(() => featureMatrix(BITS, ['a'], new Uint8Array(9))).toThrow(code('internal'));
  expect(() => featureMatrix(BITS, ['a'], new Float32Array(8))).toThrow(code('internal'));
});
