import { spawnSync } from 'node:child_process';
import { createChemistry, rdkitVersion } from '../../src/chemistry';
import { compiledEntry } from '../../src/foundation';
import { ALL_MOLECULES, NEUTRAL } from './fixtures/molecules';

const RULES = { ruleSet: 'standard-2', isotopes: 'keep' } as const;
const CAPS = { maxHeavyAtoms: 300, maxCharacters: 1000 };
/** Caps as nobody may set them, so that what they keep away gets to RDKit. */
const NO_CAPS = { maxHeavyAtoms: 1e6, maxCharacters: 1e6 };
/** Each of these brings down the thread that it runs on: by never returning, or by a trap. */
const CHAIN = 'C'.repeat(700);
const BRACKETS = '[CH2]'.repeat(800);
const nest = (depth: number) => `${'C('.repeat(depth)}C${')'.repeat(depth)}`;
const NEST = nest(800);

const smiles = (texts: readonly string[]) => texts.map((text) => ({ notation: 'smiles' as const, text }));
const chemistry = createChemistry({ threads: 2, deadlineMs: 800 });
afterAll(() => chemistry.close());

test('a chain of 700 carbons, 800 brackets and a nest of 800 are quarantined; the 200 around them are right', async () => {
  const good = Array.from({ length: 200 }, (_, i) => ALL_MOLECULES[i % ALL_MOLECULES.length]!);
  const expected = await chemistry.standardise(smiles(good), CAPS, RULES);
  expect(expected.every(({ ok }) => ok)).toBe(true);
  const mixed = [...good.slice(0, 70), CHAIN, ...good.slice(70, 130), BRACKETS, NEST, ...good.slice(130)];

  const parsed = await chemistry.standardise(smiles(mixed), NO_CAPS, RULES);
  const bad = [70, 131, 132];
  expect(parsed.filter((_, i) => !bad.includes(i))).toEqual(expected);
  expect(bad.map((i) => parsed[i])).toEqual([
    {
      ok: false,
      reason: 'molecule-crashed',
      message: expect.stringMatching(/^RDKit came down on 'C+\.\.\.': no answer within 800 ms$/),
    },
    { ok: false, reason: 'molecule-crashed', message: expect.stringMatching(/memory access out of bounds/) },
    { ok: false, reason: 'molecule-crashed', message: expect.stringMatching(/memory access out of bounds/) },
  ]);

  const capped = await chemistry.standardise(smiles(mixed), CAPS, RULES);
  expect(capped.filter((_, i) => !bad.includes(i))).toEqual(expected);
  for (const i of bad) expect(capped[i]).toMatchObject({ ok: false, reason: 'molecule-too-large' });
});

test('featurise names the molecule that brings RDKit down, and the first that cannot be read', async () => {
  const large = [
    { moleculeId: 'small', smiles: 'CCO' },
    { moleculeId: 'nest', smiles: nest(3000) },
  ];
  await expect(chemistry.featurise(large, { kind: 'descriptors' })).rejects.toMatchObject({
    code: 'molecule-invalid',
    parts: { where: 'nest' },
  });
  for (const text of ['c1ccc', '', 'C C']) {
    const list = [
      { moleculeId: 'a', smiles: 'CCO' },
      { moleculeId: 'b', smiles: text },
      { moleculeId: 'c', smiles: 'xyz' },
    ];
    await expect(chemistry.featurise(list, { kind: 'maccs' })).rejects.toMatchObject({
      code: 'molecule-invalid',
      parts: { where: 'b' },
    });
  }
});

test('callers at the same moment get their own answers', async () => {
  const molecules = NEUTRAL.map((text, i) => ({ moleculeId: `m${i}`, smiles: text }));
  const spec = { kind: 'morgan', radius: 2, bits: 512, counts: 'none' } as const;
  const alone = await chemistry.featurise(molecules, spec);
  const [first, outcomes, second, svgs] = await Promise.all([
    chemistry.featurise(molecules, spec),
    chemistry.standardise(smiles(ALL_MOLECULES), CAPS, RULES),
    chemistry.featurise([...molecules].reverse(), spec),
    chemistry.depict(NEUTRAL.slice(0, 5)),
  ]);
  expect(first).toEqual(alone);
  expect(second.moleculeIds).toEqual([...alone.moleculeIds].reverse());
  expect(Buffer.from(second.data.slice(0, 64))).toEqual(Buffer.from(alone.data.slice(-64)));
  expect(outcomes).toEqual(await chemistry.standardise(smiles(ALL_MOLECULES), CAPS, RULES));
  expect(svgs.every((svg) => svg?.startsWith('<svg'))).toBe(true);
});

test('nothing in, nothing out', async () => {
  expect(await chemistry.standardise([], CAPS, RULES)).toEqual([]);
  expect(await chemistry.depict([])).toEqual([]);
  expect(await chemistry.featurise([], { kind: 'maccs' })).toEqual({
    spec: { kind: 'maccs' },
    moleculeIds: [],
    rows: 0,
    columns: 168,
    layout: 'bits',
    data: new Uint8Array(0),
  });
});

test('drawings have the size asked for, the same each time; null for what is no molecule', async () => {
  const inputs = ['CCO', '', 'xyz', 'c1ccc', 'C C', '[Na+].[Cl-]'];
  const svgs = await chemistry.depict(inputs, { width: 120, height: 90 });
  expect(svgs.map((svg) => svg !== null)).toEqual([true, false, false, false, false, true]);
  expect(svgs[0]).toMatch(/^<svg[^>]*width='120px' height='90px'[\s\S]*<\/svg>\s*$/);
  expect(await chemistry.depict(inputs, { width: 120, height: 90 })).toEqual(svgs);
  await expect(chemistry.depict(['CCO'], { width: 0, height: 90 })).rejects.toMatchObject({ code: 'usage' });
});

test('scaffolds of what cannot be read or brings RDKit down are null; those around them are right', async () => {
  const inputs = ['Cc1ccccc1', 'c1ccc', 'CCO', '', 'O=C1CCCCC1C', `c1ccccc1${nest(3000)}`, 'Cc1ccccc1'];
  expect(await chemistry.scaffolds(inputs)).toEqual([
    'c1ccccc1',
    null,
    '',
    null,
    'O=C1CCCCC1',
    'c1ccccc1',
    'c1ccccc1',
  ]);
  expect(await chemistry.scaffolds([])).toEqual([]);
});

test('the version is the one of the installed package, spelt as RDKit spells it', async () => {
  expect(await chemistry.version()).toBe(rdkitVersion());
  expect(rdkitVersion()).toMatch(/^\d{4}\.\d{2}\.\d+$/);
});

test.each([{ threads: 0 }, { threads: 1.5 }, { threads: 1, deadlineMs: 0 }, { threads: NaN }])(
  '%j is refused',
  (options) => {
    expect(() => createChemistry(options)).toThrow(expect.objectContaining({ code: 'usage' }));
  },
);

test('an idle pool does not hold its process, and a closed one leaves no thread', () => {
  const script = `
    const { createChemistry } = require(${JSON.stringify(compiledEntry('src/chemistry/index'))});
    const work = (c) => c.standardise([{ notation: 'smiles', text: 'OCC' }], ${JSON.stringify(CAPS)}, ${JSON.stringify(RULES)});
    (async () => {
      const closed = createChemistry({ threads: 2 });
      await work(closed);
      await closed.close();
      await createChemistry({ threads: 1 }).version();
      const idle = createChemistry({ threads: 2 });
      console.log((await work(idle))[0].molecule.smiles, process.getActiveResourcesInfo().filter((r) => /Worker|MessagePort/.test(r)).length);
    })();`;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect({ stdout, stderr, status, signal }).toEqual({
    stdout: 'CCO 0\n',
    stderr: '',
    status: 0,
    signal: null,
  });
});
