import { sha256 } from '../../../src/foundation';
import { createChemistry, type Chemistry } from '../../../src/chemistry';
import { createDataCard, createEngine, renderDataCard, type DataCard } from '../../../src/datasets';
import { heavyAtomsOf } from '../../../src/datasets/card/molecules';
import { leakageOf, randomFolds, scaffoldFolds } from '../../../src/datasets/card/splits';
import { by, newHome, sourceOf, type Home, type RowOf } from '../support';

const engine = createEngine();
let home: Home;
beforeAll(() => {
  home = newHome(engine);
});
afterAll(() => engine.close());

/** A molecule by its SMILES; the InChIKey's first block stands for atoms and bonds. */
const of = (smiles: string, skeleton: string, more: object = {}): RowOf => ({
  n: 1,
  smiles,
  rawSmiles: smiles,
  moleculeId: `mol_${sha256(smiles).slice(0, 32)}`,
  inchiKey: `${skeleton.padEnd(14, 'X')}-UHFFFAOYSA-N`,
  ...more,
});
const reading = { unit: 'pIC50', assay: 'kinase' };
const plateA: RowOf[] = [
  of('Cc1ccccc1', 'TOLUENE', { value: 5, ...reading }),
  of('Cc1ccccc1', 'TOLUENE', { value: 7, ...reading, measuredAt: '2026-02-01' }),
  of('Clc1ccccc1', 'CHLOROBENZENE', { value: 6, ...reading, conversion: 'nM -> pIC50: 9 - log10(x)', reportedUnit: 'nM', reportedValue: 1000 }), // prettier-ignore
  of('C[C@H](N)O', 'AMINAL', { value: 4, qualifier: '<', ...reading, measuredAt: '2026-01-01' }),
];
const plateB: RowOf[] = [
  of('C[C@@H](N)O', 'AMINAL'),
  of('Clc1ccccc1', 'CHLOROBENZENE'),
  of('C1CCNCC1|x', 'PIPERIDINE'),
];

const asScaffold = (smiles: string) =>
  smiles.includes('c1ccccc1') ? 'c1ccccc1' : smiles.startsWith('C1CCNCC1') ? 'C1CCNCC1' : '';
const chemistry: Pick<Chemistry, 'scaffolds'> = { scaffolds: async (smiles) => smiles.map(asScaffold) };

async function cardOf(more: { seed?: number; scaffoldMolecules?: number } = {}): Promise<DataCard> {
  const sources = [
    await sourceOf(home.objects, plateA, { uri: 'a.csv' }),
    await sourceOf(home.objects, plateB, {
      uri: 'b|1.csv',
      quarantine: [
        { line: 9, raw: 'C!', reason: 'molecule-unparsable', message: 'cannot read C!' },
        { line: 10, raw: 'C?', reason: 'molecule-unparsable', message: 'cannot read C?' },
      ],
    }),
  ];
  const { version } = await home.datasets.commit({ dataset: 'pool', onto: 'nothing', sources, ...by });
  return createDataCard({ datasets: home.datasets, version, chemistry, seed: 1, ...more });
}

test('a card says what is in a version', async () => {
  const card = await cardOf();
  expect(card.counts).toEqual({
    rows: 7,
    molecules: 5,
    measuredRows: 4,
    measuredMolecules: 3,
    quarantinedRows: 2,
  });
  expect(card.sources).toMatchObject([
    { name: 'a.csv', accepted: 4, molecules: 3 },
    { name: 'b|1.csv', accepted: 3, quarantined: 2, molecules: 3 },
  ]);
  expect(card.quarantine).toEqual([{ reason: 'molecule-unparsable', rows: 2, example: 'b|1.csv, line 9: cannot read C!' }]); // prettier-ignore
  expect(card.values).toMatchObject([
    {
      ...reading,
      rows: 4,
      molecules: 3,
      qualifiers: { '=': 3, '<': 1, '>': 0 },
      distribution: { min: 5, p25: 5.5, median: 6, p95: 6.9, max: 7, mean: 6, standardDeviation: 1 },
      replicates: { molecules: [1, 1, 0, 0], widest: { smiles: 'Cc1ccccc1' } },
    },
  ]);
  expect(card.values[0]!.replicates.pooledStandardDeviation).toBeCloseTo(Math.SQRT2, 12);
  expect(card.conversions).toEqual([
    { conversion: 'nM -> pIC50: 9 - log10(x)', from: 'nM', to: 'pIC50', rows: 1 },
  ]);
  expect(card.measuredAt).toEqual({ first: '2026-01-01', last: '2026-02-01' });
  expect(card.duplicates).toMatchObject({
    moleculesInSeveralRows: 2,
    mostRows: 2,
    sharedSkeletons: 1,
    moleculesWithSharedSkeleton: 2,
  });
  expect([...card.duplicates.examples[0]!.smiles].sort()).toEqual(['C[C@@H](N)O', 'C[C@H](N)O']);
  expect(card.scaffolds).toEqual({
    lookedAt: 5,
    sampled: false,
    withoutRings: 2,
    undetermined: 0,
    distinct: 2,
    singletons: 1,
    mostCommon: [
      { scaffold: 'c1ccccc1', molecules: 2 },
      { scaffold: 'C1CCNCC1', molecules: 1 },
    ],
  });
  expect(card.leakage.betweenSources).toEqual([
    { train: 'a.csv', test: 'b|1.csv', molecules: { shared: 1, share: 1 / 3 }, skeletons: { shared: 2, share: 2 / 3 }, scaffolds: { shared: 1, share: 1 / 2 } }, // prettier-ignore
    { train: 'b|1.csv', test: 'a.csv', molecules: { shared: 1, share: 1 / 3 }, skeletons: { shared: 2, share: 2 / 3 }, scaffolds: { shared: 1, share: 1 } }, // prettier-ignore
  ]);
  // Five molecules in five folds: each alone.
  expect(card.leakage.random).toMatchObject({ folds: [1, 1, 1, 1, 1], scaffolds: 2 / 3, skeletons: 2 / 5 });
  expect(card.leakage.scaffold.scaffolds).toBe(0);
});

test('the same version, seed and chemistry give the same card; a sample is called one', async () => {
  expect(await cardOf()).toEqual(await cardOf());
  const sampled = await cardOf({ scaffoldMolecules: 3 });
  expect(sampled.scaffolds).toMatchObject({ lookedAt: 3, sampled: true });
  expect(renderDataCard(sampled)).toContain('random sample of 3 molecules');
  await expect(cardOf({ seed: -1 })).rejects.toMatchObject({ code: 'config-invalid' });
});

test('the card reads as Markdown, whatever names it holds', async () => {
  const text = renderDataCard(await cardOf());
  for (const heading of [
    '# Data card: pool',
    '## Sources',
    '## Quarantine',
    '## Values',
    '### Replicates',
    '### Conversions',
    '## Duplicates',
    '## Size',
    '## Scaffolds',
    '## Leakage',
  ])
    // prettier-ignore
    expect(text).toContain(`${heading}\n`);
  expect(text).toContain('| kinase | pIC50 | 4 | 3 | 3 | 1 | 0 | 5 |');
  // Every line of a table has as many cells as its header, also where a name has a bar in it.
  const cells = (line: string) => line.replace(/\\\|/g, '').split('|').length;
  for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
    const [header, ...rows] = block.trimEnd().split('\n');
    for (const row of rows) expect({ row, cells: cells(row) }).toEqual({ row, cells: cells(header!) });
  }
});

test('heavy atoms are counted from standard SMILES', () => {
  const counts = { C: 1, 'CC(=O)O': 4, 'Clc1ccccc1Br': 8, '[2H]C([2H])O': 2, '[Na+].[Cl-]': 2, 'C[C@@H](N)[13CH3]': 4, '[H][H]': 0, 'c1cc[nH]c1': 5 }; // prettier-ignore
  for (const [smiles, atoms] of Object.entries(counts))
    expect([smiles, heavyAtomsOf(smiles)]).toEqual([smiles, atoms]);
});

test('a random split lets scaffolds through, a scaffold split none', () => {
  // 40 scaffolds of 25 molecules; a molecule in ten without a ring; skeletons in pairs across scaffolds.
  const molecules = Array.from({ length: 1000 }, (_, i) => i);
  const scaffoldOf = Int32Array.from(molecules, (i) => (i % 10 === 0 ? -1 : i % 40));
  const grouped = { scaffoldOf, skeletonOf: Int32Array.from(molecules, (i) => i >> 1) };
  const random = leakageOf(grouped, randomFolds(1000, 7));
  expect(random.folds).toEqual([200, 200, 200, 200, 200]);
  expect(random.scaffolds).toBeGreaterThan(0.99);
  expect(random.skeletons).toBeGreaterThan(0.7);
  expect(random.skeletons).toBeLessThan(0.9);
  const scaffold = leakageOf(
    grouped,
    scaffoldFolds(scaffoldOf, (i) => i % 10 === 0),
  );
  expect(scaffold.scaffolds).toBe(0);
  expect(Math.max(...scaffold.folds) - Math.min(...scaffold.folds)).toBeLessThanOrEqual(25);
  expect(leakageOf(grouped, new Uint8Array(1000)).scaffolds).toBe(0);
});

test("with RDKit's scaffolds", async () => {
  const rdkit = createChemistry({ threads: 1 });
  try {
    const { version } = await home.datasets.commit({
      dataset: 'real',
      onto: 'head',
      sources: [
        await sourceOf(home.objects, [...plateA, of('c1ccc2ccccc2c1', 'NAPHTHALENE')], { uri: 'real.csv' }),
      ],
      ...by,
    });
    const card = await createDataCard({ datasets: home.datasets, version, chemistry: rdkit, seed: 1 });
    expect(card.scaffolds).toMatchObject({
      lookedAt: 4,
      withoutRings: 1,
      undetermined: 0,
      mostCommon: [
        { scaffold: 'c1ccccc1', molecules: 2 },
        { scaffold: 'c1ccc2ccccc2c1', molecules: 1 },
      ],
    });
  } finally {
    await rdkit.close();
  }
});
