import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { logExpectedImprovement } from '../../src/acquisition';
import { createChemistry, type Chemistry } from '../../src/chemistry';
import {
  campaignConfigSchema,
  moleculeCapsSchema,
  standardisationSchema,
  type FeatureMatrix,
} from '../../src/contracts';
import { compiledEntry, concatFeatureRows, packageRoot, selectFeatureRows } from '../../src/foundation';
import { createLearning, type Learning } from '../../src/learning';
import {
  ASSUMPTIONS,
  capacityOf,
  featuriseCpuSeconds,
  fitCpuSeconds,
  scoreCpuSeconds,
  standardiseCpuSeconds,
  type Workload,
  costTable,
  PRICES,
} from '../../src/platform/capacity';

const WORKLOAD: Workload = {
  pool: 1e6,
  batch: 384,
  rounds: 12,
  roundDays: 30,
  labels: 500,
  firstHours: 2,
  vertexFromLabels: 5000,
  dataflowFromMegabytes: 64,
};

function capacity(...args: string[]) {
  return spawnSync(process.execPath, [compiledEntry('scripts/capacity'), ...args], { encoding: 'utf8' });
}

describe('capacity, beside what is measured here', () => {
  /** CPU-seconds of this machine may be as many times those of the model, or a share: another processor, busy or not. */
  const FACTOR = 6;
  let chemistry: Chemistry;
  let learning: Learning;
  const measured = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    // The name may hold commas in quotes.
    .map((line) => line.replace(/"[^"]*"/g, '').split(','))
    .map(([, , smiles, value]) => ({ smiles: smiles!, value: Number(value) }));

  beforeAll(() => {
    chemistry = createChemistry({ threads: 1 });
    learning = createLearning({ threads: 1, backend: 'auto' });
  });
  afterAll(() => Promise.all([chemistry.close(), learning.close()]));

  async function cpuSeconds<T>(work: () => Promise<T>) {
    const before = process.cpuUsage();
    const value = await work();
    const { user, system } = process.cpuUsage(before);
    return { value, seconds: (user + system) / 1e6 };
  }
  function expectNear(seconds: number, modelled: number) {
    expect(seconds).toBeGreaterThan(modelled / FACTOR);
    expect(seconds).toBeLessThan(modelled * FACTOR);
  }

  test('the stages of a small round', async () => {
    const { featurizers } = campaignConfigSchema.parse(
      JSON.parse(readFileSync(path.join(packageRoot, 'examples/solubility/campaign.json'), 'utf8')),
    );
    const featurizer = featurizers[0]!;
    const inputs = measured
      .slice(0, 600)
      .map(({ smiles }) => ({ notation: 'smiles' as const, text: smiles }));
    const caps = moleculeCapsSchema.parse({});
    const rules = standardisationSchema.parse({});
    // A first call compiles and starts threads.
    await chemistry.standardise(inputs.slice(0, 50), caps, rules);

    const standardised = await cpuSeconds(() => chemistry.standardise(inputs, caps, rules));
    expectNear(standardised.seconds, standardiseCpuSeconds(inputs.length));
    const rows = standardised.value.flatMap((outcome, i) =>
      outcome.ok ? [{ molecule: outcome.molecule, value: measured[i]!.value }] : [],
    );
    const molecules = rows.map(({ molecule }) => molecule);
    await chemistry.featurise(molecules.slice(0, 50), featurizer);
    const features = await cpuSeconds(() => chemistry.featurise(molecules, featurizer));
    expectNear(features.seconds, featuriseCpuSeconds(molecules.length));

    const labels = 400;
    const labelled = {
      features: selectFeatureRows(features.value, [...Array(labels).keys()]),
      targets: Float64Array.from(rows.slice(0, labels), ({ value }) => value),
      qualifiers: Array.from({ length: labels }, () => '=' as const),
      replicates: new Float64Array(labels).fill(1),
    };
    const settings = { family: 'gaussian-process', noiseRatios: [0.001, 0.01, 0.1, 1] } as const;
    const fit = await cpuSeconds(() => learning.fit({ settings, labelled, seed: 1 }));
    // A small fit is mostly what every fit begins with.
    expect(fit.seconds).toBeLessThan((fitCpuSeconds(labels) + 0.5) * FACTOR);

    const pool: FeatureMatrix = concatFeatureRows(Array.from({ length: 30 }, () => features.value));
    const incumbent = Math.max(...labelled.targets);
    const score = (mean: number, sigma: number) => logExpectedImprovement(mean, sigma, incumbent);
    const best = (matrix: FeatureMatrix) => fit.value.best!(matrix, { count: 100, score });
    await best(features.value);
    const scored = await cpuSeconds(async () => best(pool));
    expectNear(scored.seconds, scoreCpuSeconds(pool.rows, labels));
    fit.value.dispose();
  });
});

describe('capacity', () => {
  test('the million of the issue: hours and nodes within what the scalers allow', () => {
    const found = capacityOf(WORKLOAD, PRICES);
    // 1,500 and 1,400 CPU µs a molecule, two vCPUs a core.
    expect(found.standardiseCpuHours).toBeCloseTo((1e6 * 1500e-6 * 2) / 3600, 6);
    expect(found.featuriseCpuHours).toBeCloseTo((1e6 * 1400e-6 * 2) / 3600, 6);
    expect(found.featurizationPods).toBeGreaterThanOrEqual(1);
    expect(found.firstHours).toBeLessThanOrEqual(WORKLOAD.firstHours);
    expect(found.rounds.map(({ labels }) => labels)).toEqual(
      Array.from({ length: 12 }, (_, i) => 500 + 384 * i),
    );
    expect(found.rounds.every(({ where }) => where === 'worker')).toBe(true);
    expect(found.usd).toBeCloseTo(
      found.lines.reduce((total, { usd }) => total + usd, 0),
      9,
    );
  });

  test('more of anything never costs less', () => {
    const keys = ['pool', 'batch', 'rounds', 'roundDays', 'labels'] as const;
    fc.assert(
      fc.property(
        fc.record({
          pool: fc.integer({ min: 1, max: 1e8 }),
          batch: fc.integer({ min: 1, max: 5000 }),
          rounds: fc.integer({ min: 1, max: 40 }),
          roundDays: fc.integer({ min: 1, max: 100 }),
          // Where a round is trained changes what its start costs: on one side of the limit.
          labels: fc.integer({ min: 5000, max: 50_000 }),
        }),
        fc.constantFrom(...keys),
        fc.integer({ min: 1, max: 1000 }),
        (some, key, more) => {
          const workload = { ...WORKLOAD, ...some };
          const before = capacityOf(workload, PRICES);
          const after = capacityOf({ ...workload, [key]: workload[key] + more }, PRICES);
          expect(after.usd).toBeGreaterThanOrEqual(before.usd * (1 - 1e-12));
          expect(after.objectGigabytes).toBeGreaterThanOrEqual(before.objectGigabytes);
          expect(Number.isFinite(after.usd)).toBe(true);
        },
      ),
    );
  });

  test('no assumption is without a value, a source and a date', () => {
    for (const one of [...Object.values(ASSUMPTIONS), ...Object.values(PRICES)]) {
      expect('value' in one ? one.value : one.usd).toBeGreaterThan(0);
      expect(one.source).toMatch(/^(measured|assumed|order of magnitude)/);
      expect(one.date).toMatch(/^2026-\d\d-\d\d$/);
    }
  });

  test('the command reckons, with prices of one’s own', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-capacity-'));
    const file = path.join(folder, 'prices.json');
    const free = { unit: 'hour', usd: 0, source: 'a friend', date: '2026-11-01' };
    writeFileSync(file, JSON.stringify({ 'e2-standard-4': free, 'cluster-fee': free }));
    const { status, stdout, stderr } = capacity('--pool', '1e5', '--rounds', '3', '--prices', file, '--json');
    expect([status, stderr]).toEqual([0, '']);
    const { capacity: found, workload } = JSON.parse(stdout) as {
      capacity: ReturnType<typeof capacityOf>;
      workload: Workload;
    };
    expect(workload).toMatchObject({ pool: 1e5, rounds: 3, batch: 384 });
    expect(found.lines.find(({ what }) => what === 'cluster')?.usd).toBe(0);
    expect(found.lines.find(({ what }) => what === 'objects')?.usd).toBeGreaterThan(0);
    const text = capacity('--assumptions');
    expect(text.stdout).toContain('machines with a GPU');
    expect(text.stdout).toContain('not looked up');
  });

  test.each([
    [['--pool', 'many'], 2, /--pool: 'many' is no whole number above 0/],
    [['--batch', '1.5'], 2, /--batch/],
    [['--size', '3'], 2, /--size/],
    [['--prices', '/nowhere.json'], 1, /the prices cannot be read/],
  ])('%j is refused', (args, code, words) => {
    const { status, stdout, stderr } = capacity(...args);
    expect([status, stdout]).toEqual([code, '']);
    expect(stderr).toMatch(words);
  });

  test('a price that is no price is named', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-capacity-'));
    const file = path.join(folder, 'prices.json');
    writeFileSync(
      file,
      JSON.stringify({ 'e2-standrad-4': { unit: 'hour', usd: 1, source: 'x', date: '2026-11-01' } }),
    );
    const { status, stderr } = capacity('--prices', file);
    expect(status).toBe(1);
    expect(stderr).toContain('e2-standrad-4');
  });

  test('the table of costs in the documents is the one that it makes', () => {
    const document = readFileSync(path.join(packageRoot, 'docs/google-cloud-setup.md'), 'utf8');
    // Prettier pads the cells.
    const rows = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('|') && !/^\|[ |-]+$/.test(line))
        .map((line) => line.split('|').map((cell) => cell.trim()));
    const found = rows(document);
    for (const row of rows(costTable(PRICES))) expect(found).toContainEqual(row);
  });
});
