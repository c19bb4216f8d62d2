import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { compiledEntry, packageRoot } from '../../src/foundation';
import { readHistoryFile } from '../../src/platform/bench';
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

describe('the benchmark beside the model', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'titrate-bench-capacity-'));
  const history = path.join(folder, 'history.ndjson');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [compiledEntry('scripts/bench-capacity'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, TITRATE_BENCH_HISTORY: history },
    });

  test('every stage that the model goes by is measured, beside what it reckons with', () => {
    const { status, stdout } = bench(
      '--molecules',
      '80',
      '--labels',
      '40',
      '--pool',
      '500',
      '--repeats',
      '1',
    );
    expect(status).toBe(0);
    const { records } = readHistoryFile(history);
    expect(records).toHaveLength(1);
    const { benchmark, figures } = records[0]!;
    expect(benchmark).toBe('capacity');
    expect(figures.map(({ name }) => name.split(' ')[0])).toEqual([
      'standardise',
      'featurise',
      'fit',
      'score',
    ]);
    expect(figures.map(({ value }) => value > 0)).toEqual([true, true, true, true]);
    // What cannot be read of the first eighty has no features.
    const featurised = Number(/\d+/.exec(figures[1]!.name));
    expect(featurised).toBeGreaterThan(70);
    const modelled = [
      standardiseCpuSeconds(80),
      featuriseCpuSeconds(featurised),
      fitCpuSeconds(40),
      scoreCpuSeconds(500, 40),
    ];
    const lines = stdout.split('\n');
    for (const [i, { name, value }] of figures.entries()) {
      const line = lines.find((one) => one.includes(name))!;
      expect(line).toContain(value.toFixed(3));
      expect(line).toContain(modelled[i]!.toFixed(3));
    }
  });

  test.each([
    [['--pool', 'all'], /--pool.*'all' is no whole number above 0/],
    [['--labels', '700'], /--labels.*700 are more than --molecules 600/],
    [['--molecules', '100000'], /--molecules.*examples\/solubility has \d+/],
  ])('%j is refused', (args, words) => {
    const { status, stdout, stderr } = bench(...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.replace(/\s+/g, ' ')).toMatch(words);
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
