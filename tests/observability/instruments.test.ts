import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  MEDIA_TYPES,
  moleculeCapsSchema,
  sourceSchema,
  standardisationSchema,
  STEPS,
  type ModelSettings,
} from '../../src/contracts';
import { observeScoring } from '../../src/observability/instruments';
import { openPorts, type Ports } from '../../src/platform/composition';
import { createCosts } from '../../src/platform/costs';
import { loadSettings, type SettingsInput } from '../../src/platform/settings';
import { withLogContext } from '../../src/observability/logging';
import { molecule, result } from '../warehouse/campaigns';
import { fingerprints, labelled, NOISE_RATIOS, truth } from '../learning/synthetic';
import { valueOf } from './support/values';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-observed-'));
const opened: Ports[] = [];
let homes = 0;

function open(overrides: SettingsInput = {}): Ports {
  const home = path.join(directory, String(++homes));
  const threads = { chemistry: 1, learning: 1 };
  const settings = { home, workingDirectory: directory, threads, ...overrides };
  const ports = openPorts(loadSettings(settings, {}));
  opened.push(ports);
  return ports;
}
const counted = (ports: Ports) => (name: string, labels?: Record<string, string>) =>
  valueOf(ports.metrics.registry, name, labels);

afterAll(async () => {
  for (const ports of opened) await ports.close();
  rmSync(directory, { recursive: true });
});

const caps = moleculeCapsSchema.parse({});
const standardisation = standardisationSchema.parse({});
const CHEMISTRY_TIMEOUT_MS = 60_000;

test('the object store: operations by what came of them, bytes by direction', async () => {
  const ports = open();
  const value = counted(ports);
  const ref = await ports.objects.put(Buffer.from('abc'), MEDIA_TYPES.raw);
  await ports.objects.get(ref);
  await ports.objects.putStream(Readable.from([Buffer.from('defgh')]), MEDIA_TYPES.raw);
  (await ports.objects.openRead(ref)).destroy();
  await ports.objects.createRecord('a/b', Buffer.from('12'));
  await ports.objects.createRecord('a/b', Buffer.from('34'));
  await ports.objects.readRecord('a/b');
  await expect(ports.objects.get({ sha256: 'f'.repeat(64) })).rejects.toThrow(/no object/);
  expect(await value('titrate_object_operations_total', { operation: 'get', outcome: 'ok' })).toBe(1);
  expect(await value('titrate_object_operations_total', { operation: 'get', outcome: 'failed' })).toBe(1);
  expect(await value('titrate_object_operations_total', { operation: 'put' })).toBe(1);
  expect(await value('titrate_object_bytes_total', { direction: 'written' })).toBe(3 + 5 + 2);
  expect(await value('titrate_object_bytes_total', { direction: 'read' })).toBe(3 + 3 + 2);
});

test('the step cache: hits and misses by step', async () => {
  const ports = open();
  const run = (sha256: string) =>
    ports.steps.run(STEPS.trainModel, { inputs: { sha256 } }, async () => ({ ok: true }));
  await run('a');
  await run('a');
  await run('b');
  const step = STEPS.trainModel.name;
  const look = (outcome: string) =>
    counted(ports)('titrate_cache_lookups_total', { cache: 'steps', step, outcome });
  expect([await look('hit'), await look('miss')]).toEqual([1, 2]);
});

test(
  'what is landed, standardised and featurised, by RDKit',
  async () => {
    const ports = open();
    const value = counted(ports);
    const text = 'smiles\nCCO\nc1ccccc1\nnot a molecule\n';
    writeFileSync(path.join(directory, 'pool.csv'), text);
    const landed = await ports.landing().land(sourceSchema.parse({ uri: 'pool.csv' }));
    const request = { landed, caps, standardisation };
    await ports.processor().standardise(request);
    expect((await ports.processor().standardise(request)).cached).toBe(true);
    expect(await value('titrate_ingest_bytes_total')).toBe(text.length);
    expect(await value('titrate_ingest_rows_total', { outcome: 'accepted' })).toBe(2);
    expect(await value('titrate_ingest_rows_total', { outcome: 'quarantined' })).toBe(1);
    expect(await value('titrate_standardised_molecules_total', { outcome: 'accepted' })).toBe(2);
    expect(await value('titrate_standardised_molecules_total', { outcome: 'quarantined' })).toBe(1);

    const chemistry = ports.chemistry();
    const given = [{ moleculeId: 'mol_1', smiles: 'CCO' }];
    await chemistry.featurise(given, { kind: 'maccs' });
    await expect(
      chemistry.featurise([...given, { moleculeId: 'mol_2', smiles: 'C(' }], { kind: 'maccs' }),
    ).rejects.toThrow(/mol_2/);
    await chemistry.prepare([{ notation: 'smiles', text: 'CCN' }, { notation: 'smiles', text: 'C(' }], caps, standardisation, [
      { kind: 'descriptors' },
    ]); // prettier-ignore
    const molecules = (featurizer: string, outcome: string) =>
      value('titrate_features_molecules_total', { featurizer, outcome });
    expect(await molecules('maccs', 'computed')).toBe(1);
    expect(await molecules('maccs', 'failed')).toBe(2);
    expect(await molecules('descriptors', 'computed')).toBe(1);
  },
  CHEMISTRY_TIMEOUT_MS,
);

test('the warehouse: how long each operation took, on DuckDB', async () => {
  const ports = open();
  const warehouse = await ports.warehouse();
  await warehouse.recordResults('c', [result('r1', 1), result('r2', 2)]);
  await warehouse.openBatch('c', 'c/batch/1', 1, [molecule(1)]);
  await warehouse.batchProgress('c', 'c/batch/1');
  await warehouse.results('c');
  await warehouse.results('c');
  const times = (operation: string) =>
    counted(ports)('titrate_warehouse_query_duration_seconds_count', { operation, engine: 'duckdb' });
  expect(await times('record-results')).toBe(1);
  expect(await times('results')).toBe(2);
  expect(await times('batch-progress')).toBe(1);
});

test('training: trials by what came of them, times of what was computed, labels of the last model', async () => {
  const ports = open();
  const value = counted(ports);
  const training = ports.training();
  const settings = { family: 'gaussian-process' };
  const trial = {
    task: 'runTrial',
    step: STEPS.runTrial,
    request: { trial: { settings } },
    labels: 40,
  } as const;
  const run = (key: string, here: () => Promise<unknown>) =>
    training.run({ ...trial, key: { inputs: { key } } }, here);
  await run('a', async () => 1);
  await run('a', async () => 1);
  await expect(run('b', () => Promise.reject(new Error('diverged')))).rejects.toThrow('diverged');
  const model = {
    task: 'trainModel',
    step: STEPS.trainModel,
    request: { choice: { settings } },
    labels: 250,
  } as const;
  await training.run({ ...model, key: { inputs: {} } }, async () => 1);
  const trials = (outcome: string) =>
    value('titrate_training_trials_total', { family: 'gaussian-process', outcome });
  expect([await trials('computed'), await trials('cached'), await trials('failed')]).toEqual([1, 1, 1]);
  expect(await value('titrate_training_duration_seconds_count', { engine: 'local' })).toBe(2);
  expect(await value('titrate_training_labels')).toBe(250);
});

test('what models are asked about while a batch is chosen: candidates, and the variances that a bound saved', async () => {
  const ports = open();
  const value = counted(ports);
  const seen: boolean[] = [];
  const learning = observeScoring(ports.learning(), ports.metrics, (on) => seen.push(on));
  await learning.runtime();
  expect(seen).toEqual([false]);
  const features = fingerprints(60, 3);
  const set = labelled(features, truth(features));
  const settings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS } satisfies ModelSettings;
  const fitted = await learning.fit({ settings, labelled: set, seed: 1 });
  expect(await value('titrate_acquisition_candidates_total')).toBe(0);
  const model = await learning.load('gaussian-process', await fitted.serialise());
  const rows = 4000;
  const pool = fingerprints(rows, 9);
  const best = await model.best!(pool, { count: 5, score: (mean, sigma) => mean + 0.1 * sigma });
  expect(best.evaluated).toBeLessThan(rows);
  expect(await value('titrate_acquisition_candidates_total')).toBe(rows);
  expect(await value('titrate_acquisition_variances_total', { outcome: 'computed' })).toBe(best.evaluated);
  expect(await value('titrate_acquisition_variances_total', { outcome: 'skipped' })).toBe(
    rows - best.evaluated,
  );
  const { mean } = await model.predict(pool);
  expect(mean).toEqual((await fitted.predict(pool)).mean);
  expect(await value('titrate_acquisition_candidates_total')).toBe(2 * rows);
  fitted.dispose();
  model.dispose();
});

test('costs are those of the campaign whose activity is at work', async () => {
  const { metrics } = open();
  const costs = createCosts(metrics);
  await withLogContext({ campaign: 'esol-42' }, async () => {
    await Promise.resolve();
    costs.compute(3600);
    costs.bigQuery(2 ** 40);
  });
  costs.vertex(3600);
  const usd = (labels: Record<string, string>) => valueOf(metrics.registry, 'titrate_cost_usd_total', labels);
  expect(await usd({ campaign: 'esol-42', kind: 'compute' })).toBeGreaterThan(0.001);
  expect(await usd({ campaign: 'esol-42', kind: 'bigquery' })).toBeGreaterThan(1);
  expect(await usd({ campaign: 'none', kind: 'vertex' })).toBeGreaterThan(0.1);
});

test("with metrics.mode 'off' nothing is counted", async () => {
  const ports = open({ metrics: { mode: 'off' } });
  await ports.objects.put(Buffer.from('abc'), MEDIA_TYPES.raw);
  expect(await counted(ports)('titrate_object_operations_total')).toBe(0);
});
