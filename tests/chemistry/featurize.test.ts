import { createChemistry, DESCRIPTOR_NAMES, featureShape } from '../../src/chemistry';
import { descriptorRow } from '../../src/chemistry/descriptors';
import { featurizerSchema, type FeatureMatrix, type FeaturizerInput } from '../../src/contracts';
import { rowSpan } from '../../src/foundation';
import { NEUTRAL } from './fixtures/molecules';

const chemistry = createChemistry({ threads: 1 });
afterAll(() => chemistry.close());

const molecules = NEUTRAL.slice(0, 25).map((smiles, i) => ({ moleculeId: `m${i}`, smiles }));
const featurise = (spec: FeaturizerInput) => chemistry.featurise(molecules, featurizerSchema.parse(spec));

// RDKit ignores an option whose name it does not know: each one has to be seen to do something.
test.each<[FeaturizerInput, FeaturizerInput]>([
  [
    { kind: 'morgan', radius: 2 },
    { kind: 'morgan', radius: 3 },
  ],
  [
    { kind: 'morgan', counts: 'none' },
    { kind: 'morgan', counts: 'simulated' },
  ],
  [
    { kind: 'morgan', bits: 512 },
    { kind: 'morgan', bits: 1024 },
  ],
  [
    { kind: 'rdkit', minPath: 1 },
    { kind: 'rdkit', minPath: 2 },
  ],
  [
    { kind: 'rdkit', maxPath: 5 },
    { kind: 'rdkit', maxPath: 7 },
  ],
  [
    { kind: 'rdkit', counts: 'none' },
    { kind: 'rdkit', counts: 'simulated' },
  ],
  [
    { kind: 'rdkit', bits: 512 },
    { kind: 'rdkit', bits: 1024 },
  ],
  [
    { kind: 'atom-pair', counts: 'none' },
    { kind: 'atom-pair', counts: 'simulated' },
  ],
  [
    { kind: 'atom-pair', bits: 512 },
    { kind: 'atom-pair', bits: 1024 },
  ],
  [
    { kind: 'topological-torsion', counts: 'none' },
    { kind: 'topological-torsion', counts: 'simulated' },
  ],
  [
    { kind: 'topological-torsion', bits: 512 },
    { kind: 'topological-torsion', bits: 1024 },
  ],
])('%j is not %j', async (one, other) => {
  const [a, b] = [await featurise(one), await featurise(other)];
  expect(a.data.length).toBe((a.rows * a.columns) / 8);
  expect(Buffer.from(a.data.buffer).equals(Buffer.from(b.data.buffer))).toBe(false);
});

test('a concatenation is its parts side by side: bytes for bits, 0 and 1 beside descriptors', async () => {
  const parts: FeaturizerInput[] = [
    { kind: 'maccs' },
    { kind: 'morgan', bits: 128 },
    { kind: 'atom-pair', bits: 64 },
  ];
  const [maccs, morgan, pairs] = await Promise.all(parts.map(featurise));
  const bits = await featurise({ kind: 'concatenation', parts: parts as never });
  expect(bits).toMatchObject({ layout: 'bits', columns: 168 + 128 + 64, rows: molecules.length });
  const withDescriptors = [parts[1], { kind: 'descriptors' }, parts[0]];
  const dense = await featurise({ kind: 'concatenation', parts: withDescriptors as never });
  const descriptors = await featurise({ kind: 'descriptors' });
  expect(dense).toMatchObject({ layout: 'dense', columns: 128 + 43 + 168 });
  for (let row = 0; row < molecules.length; row++) {
    const own = [
      maccs!.data.subarray(row * 21, (row + 1) * 21),
      morgan!.data.subarray(row * 16, (row + 1) * 16),
      pairs!.data.subarray(row * 8, (row + 1) * 8),
    ];
    expect([...bits.data.subarray(row * 45, (row + 1) * 45)]).toEqual(own.flatMap((part) => [...part]));
    const spread = (part: ArrayLike<number>) =>
      Array.from(part).flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1));
    expect([...dense.data.subarray(row * 339, (row + 1) * 339)]).toEqual([
      ...spread(own[1]!),
      ...descriptors.data.subarray(row * 43, (row + 1) * 43),
      ...spread(own[0]!),
    ]);
  }
});

test('a spec is completed with its defaults, and an impossible one refused', async () => {
  expect((await chemistry.featurise([], { kind: 'morgan' } as never)).spec).toEqual({
    kind: 'morgan',
    radius: 2,
    bits: 2048,
    counts: 'simulated',
  });
  await expect(featurise({ kind: 'rdkit', minPath: 5, maxPath: 3 })).rejects.toMatchObject({
    code: 'config-invalid',
    message: /minPath is 5/,
  });
  await expect(chemistry.featurise(molecules, { kind: 'morgan', bits: 100 } as never)).rejects.toMatchObject({
    code: 'config-invalid',
  });
  expect(featureShape({ kind: 'maccs' })).toEqual({ columns: 168, layout: 'bits' });
});

test('no descriptor is ever NaN or infinite', () => {
  const values = Object.fromEntries(DESCRIPTOR_NAMES.map((name, i) => [name, i]));
  const row = descriptorRow(JSON.stringify({ ...values, exactmw: null, amw: 1e300, lipinskiHBA: -1e300 }));
  expect([...row.slice(0, 4)]).toEqual([0, 3.4028234663852886e38, -3.4028234663852886e38, 3]);
  expect(row).toHaveLength(43);
  const { Phi: _, ...missing } = values;
  expect(() => descriptorRow(JSON.stringify(missing))).toThrow(/'Phi'/);
});

const spanOf = (features: FeatureMatrix, row: number) =>
  (features.data as Uint32Array).subarray(...rowSpan(features, row));

test('a concatenation of counts: descriptors in front, then every part under keys of its own', async () => {
  const parts = [
    { kind: 'morgan-counts', radius: 2 },
    { kind: 'descriptors' },
    { kind: 'atom-pair-counts' },
    { kind: 'morgan-counts', radius: 1 },
  ] as const;
  const together = await featurise({ kind: 'concatenation', parts: [...parts] });
  const own = await Promise.all(parts.map(featurise));
  expect(together).toMatchObject({ layout: 'counts', columns: 43 });
  for (let row = 0; row < together.rows; row++) {
    const words = spanOf(together, row);
    const leading = new Float32Array(Uint32Array.from(words.subarray(0, 43)).buffer);
    expect(leading).toEqual(own[1]!.data.subarray(row * 43, (row + 1) * 43));
    const expected = new Map<number, number>();
    [own[0]!, own[2]!, own[3]!].forEach((part, tag) => {
      const pairs = spanOf(part, row);
      for (let at = 0; at < pairs.length; at += 2) {
        const key = ((pairs[at]! << 2) | tag) >>> 0;
        expected.set(key, (expected.get(key) ?? 0) + pairs[at + 1]!);
      }
    });
    const sorted = [...expected].sort(([a], [b]) => a - b).flat();
    expect([...words.subarray(43)]).toEqual(sorted);
  }
});

test('a bundle is what its parts are alone, of one parse', async () => {
  const parts: FeaturizerInput[] = [
    { kind: 'concatenation', parts: [{ kind: 'descriptors' }, { kind: 'graph' }] },
    { kind: 'morgan-counts' },
    { kind: 'morgan', bits: 128 },
    { kind: 'concatenation', parts: [{ kind: 'morgan', bits: 64 }, { kind: 'descriptors' }] },
  ];
  const bundle = await featurise({ kind: 'bundle', parts: parts as never });
  expect(bundle).toMatchObject({ layout: 'bundle', columns: 0, rows: molecules.length });
  expect(bundle.parts).toEqual(await Promise.all(parts.map(featurise)));
  const graphs = await featurise({ kind: 'graph' });
  expect(bundle.parts![0]).toMatchObject({ layout: 'graph', columns: 43 });
  for (let row = 0; row < bundle.rows; row++)
    expect(spanOf(bundle.parts![0]!, row).subarray(43)).toEqual(spanOf(graphs, row));
});

test('bits, counts and graphs do not share a row', () => {
  for (const parts of [
    [{ kind: 'morgan' }, { kind: 'morgan-counts' }],
    [{ kind: 'graph' }, { kind: 'atom-pair-counts' }],
    [{ kind: 'graph' }, { kind: 'graph' }],
    [{ kind: 'graph' }, { kind: 'maccs' }],
  ])
    expect(featurizerSchema.safeParse({ kind: 'concatenation', parts }).error?.issues[0]?.message).toMatch(
      /put them into a bundle/,
    );
});
