import fc from 'fast-check';
import { featurizerSchema, type FeatureMatrix } from '../../src/contracts';
import { decodeFeatureMatrix, encodeFeatureMatrix, featureMatrix, featureShape } from '../../src/chemistry';
import {
  BOND_STEREO,
  BOND_TYPES,
  bundleFeatures,
  CHIRALITIES,
  concatFeatureRows,
  HYBRIDISATIONS,
  readGraphRow,
  selectFeatureRows,
  writeGraphRow,
  type GraphRow,
} from '../../src/foundation';

const spec = (input: unknown) => featurizerSchema.parse(input);
const BITS = spec({ kind: 'morgan', bits: 64 });
const DENSE = spec({ kind: 'concatenation', parts: [{ kind: 'maccs' }, { kind: 'descriptors' }] });

const COUNTS = spec({
  kind: 'concatenation',
  parts: [{ kind: 'morgan-counts' }, { kind: 'descriptors' }, { kind: 'atom-pair-counts' }],
});
const GRAPH = spec({ kind: 'graph' });
const BUNDLE = spec({ kind: 'bundle', parts: [COUNTS, GRAPH, BITS, DENSE] });

const values = (length: number, seed: number) => Array.from({ length }, (_, i) => (i * 7919 + seed) % 251);
const float32Bits = (length: number, seed: number) =>
  new Uint32Array(Float32Array.from(values(length, seed), (v) => v / 7).buffer);

/** A row as chemistry makes them, of one of the layouts that vary in length. */
function raggedRow(of: FeatureMatrix['spec'], seed: number): Uint32Array {
  if (of === COUNTS) {
    const keys = values(seed % 5, seed).map((v, i) => 1000 * i + v);
    return Uint32Array.of(...float32Bits(43, seed), ...keys.flatMap((key, i) => [key, i + 1]));
  }
  const atoms = Array.from({ length: 1 + (seed % 4) }, (_, i): GraphRow['atoms'][number] => ({
    atomicNumber: 6 + i,
    degree: i,
    hydrogens: 3 - i,
    charge: (seed % 3) - 1,
    chirality: CHIRALITIES[seed % 4]!,
    hybridisation: HYBRIDISATIONS[seed % 7]!,
    aromatic: i === 1,
    inRing: i > 1,
    unpaired: i,
    isotope: seed % 300,
  }));
  const bonds = atoms.slice(1).map((_, i): GraphRow['bonds'][number] => ({
    begin: i,
    end: i + 1,
    type: BOND_TYPES[(seed + i) % 6]!,
    conjugated: i === 0,
    inRing: i > 0,
    stereo: BOND_STEREO[(seed + i) % 4]!,
  }));
  const row = writeGraphRow({ atoms, bonds });
  expect(readGraphRow(row)).toEqual({ atoms, bonds });
  return row;
}

function matrixOf(of: FeatureMatrix['spec'], ids: string[], seed: number): FeatureMatrix {
  if (of.kind === 'bundle')
    return bundleFeatures(
      of,
      of.parts.map((part, i) => matrixOf([COUNTS, GRAPH, BITS, DENSE][i] ?? part, ids, seed + i)),
    );
  if (of === COUNTS || of === GRAPH) {
    const rows = ids.map((_, i) => raggedRow(of, seed + 31 * i));
    const offsets = new Uint32Array(ids.length + 1);
    rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length));
    return featureMatrix(of, ids, Uint32Array.from(rows.flatMap((row) => [...row])), offsets);
  }
  const { columns, layout } = featureShape(of);
  const filled = values(ids.length * (layout === 'bits' ? columns / 8 : columns), seed);
  const data = layout === 'dense' ? Float32Array.from(filled, (v) => v / 7) : Uint8Array.from(filled);
  return featureMatrix(of, ids, data);
}

const matrices = fc
  .tuple(
    fc.constantFrom(BITS, DENSE, spec({ kind: 'maccs' }), COUNTS, GRAPH, BUNDLE),
    fc.array(fc.string(), { maxLength: 6 }),
    fc.nat(),
  )
  .map(([of, ids, seed]) => matrixOf(of, ids, seed));
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

test('rows of counts and graphs that cannot be are an error', () => {
  const word = (matrix: FeatureMatrix, at: number, value: number) => {
    const data = Uint32Array.from(matrix.data);
    data[at < 0 ? data.length + at : at] = value;
    return encodeFeatureMatrix({ ...matrix, data });
  };
  const counts = matrixOf(COUNTS, ['a', 'b'], 3);
  const graph = matrixOf(GRAPH, ['a', 'b'], 3);
  const bundle = matrixOf(BUNDLE, ['a', 'b'], 3);
  const shifted = Uint32Array.from(counts.offsets!, (at, row) => at + (row === 1 ? 1 : 0));
  for (const [bytes, message] of [
    [word(counts, -1, 0), /counted 0 times/],
    [word(counts, -2, 0), /does not come after/],
    [word(graph, 0, 2), /version 2/],
    [word(graph, 1, 4000), /do not hold 4000 atoms/],
    [word(graph, 4, 0xf), /chirality/],
    [word(graph, -1, 0xfff), /between atoms/],
    [encodeFeatureMatrix({ ...counts, offsets: shifted }), /no count|ends before/],
    [encodeFeatureMatrix({ ...bundle, parts: [...bundle.parts!].reverse() }), /a part is/],
    [encodeFeatureMatrix({ ...bundle, parts: bundle.parts!.slice(1) }), /a part is|inside its parts/],
    [
      encodeFeatureMatrix({ ...bundle, parts: bundle.parts!.map((part) => selectFeatureRows(part, [1, 0])) }),
      /not of the same molecules/,
    ],
  ] as const) {
    expect(() => decodeFeatureMatrix(bytes)).toThrow(code('artifact-corrupt'));
    expect(() => decodeFeatureMatrix(bytes)).toThrow(message);
  }
  expect(() => bundleFeatures(BUNDLE, [counts, selectFeatureRows(graph, [0])])).toThrow(code('internal'));
  expect(() => writeGraphRow({ atoms: Array.from({ length: 4096 }), bonds: [] } as never)).toThrow(
    RangeError,
  );
});

test('property: selecting the rows of each part from the whole gives the parts back', () => {
  fc.assert(
    fc.property(matrices, fc.nat(), (matrix, at) => {
      const cut = matrix.rows === 0 ? 0 : at % matrix.rows;
      const indices = Array.from({ length: matrix.rows }, (_, i) => i);
      const head = selectFeatureRows(matrix, indices.slice(0, cut));
      const tail = selectFeatureRows(matrix, Uint32Array.from(indices.slice(cut)));
      expect(concatFeatureRows([head, tail])).toEqual(matrix);
      const twice = selectFeatureRows(matrix, [...indices, ...indices].reverse());
      expect(twice.moleculeIds).toEqual([...matrix.moleculeIds, ...matrix.moleculeIds].reverse());
      expect(
        selectFeatureRows(
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
  expect(() => concatFeatureRows([bits, dense])).toThrow(code('internal'));
  expect(() => concatFeatureRows([bits, { ...bits, spec: spec({ kind: 'atom-pair', bits: 64 }) }])).toThrow(
    code('internal'),
  );
  expect(() => concatFeatureRows([])).toThrow(code('internal'));
  for (const index of [-1, 1, 0.5, NaN])
    expect(() => selectFeatureRows(bits, [index])).toThrow(code('internal'));
  expect(() => featureMatrix(BITS, ['a'], new Uint8Array(9))).toThrow(code('internal'));
  expect(() => featureMatrix(BITS, ['a'], new Float32Array(8))).toThrow(code('internal'));
});
