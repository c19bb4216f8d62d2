import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ScheduleNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createDeployActivities } from '../../activities/deploy';
import { createDriftActivities, type DriftActivities } from '../../activities/deploy/drift';
import { createFeaturizationActivities } from '../../activities/featurization';
import { createGpuActivities } from '../../activities/gpu';
import { createWarehouseActivities } from '../../activities/warehouse';
import { correctionsOfDoubt, correctionsToCsv } from '../../src/cli/drift/corrections';
import { readResultsFile } from '../../src/cli/lab/results-file';
import { driftStatusOf, type DriftStatus } from '../../src/cli/verbs/drift-of-campaign';
import {
  driftWatchId,
  type CampaignConfigInput,
  type CampaignStatus,
  type CurrentBatch,
  type DriftWatchOutput,
  type LabResultInput,
  type Receipt,
} from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { openPorts, type Ports } from '../../src/platform/composition';
import { driftSchedules } from '../../src/platform/drift-schedules';
import { openEvidence } from '../../src/platform/evidence';
import { homePaths, loadSettings } from '../../src/platform/settings';
import { loadModel } from '../../src/serving';
import { PredictionLog } from '../../src/serving/prediction-log';
import { createDriftLog, type DriftLog } from '../../src/tracking';
import { readStandingResults } from '../../src/warehouse';
import { failureInterceptor } from '../../workers/failure-interceptor';
import { eventually } from '../support/eventually';
import { startServer, startWorkers } from '../support/temporal';

const CAMPAIGN = 'off-plate';
const SECRET = 'of thirty-two characters at least';
/** What the second plate of the second batch is off by, log units: some four standard deviations of what the model leaves open. */
const OFFSET = 4;
const BATCH = 32;

interface Row {
  readonly smiles: string;
  readonly value: number;
}

/** Measured solubility, the small molecules and the large ones. */
function readExample(): { small: Row[]; large: Row[] } {
  const text = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8');
  const rows = text
    .split(/\r?\n/)
    .slice(1)
    .filter((line) => line && !line.includes('"'))
    .map((line) => line.split(','))
    .map(([, , smiles, logS]) => ({ smiles: smiles!, value: Number(logS) }))
    .sort((a, b) => a.smiles.length - b.smiles.length);
  return { small: rows.slice(0, 500), large: rows.slice(-250) };
}

/** As if the segments of a folder had ended ten minutes ago. */
function ageSegments(folder: string): void {
  const ended = new Date(Date.now() - 600_000).toISOString();
  for (const name of readdirSync(folder)) {
    const [head, ...records] = readFileSync(path.join(folder, name), 'utf8').split('\n');
    const segment = { ...(JSON.parse(head!) as object), to: ended };
    writeFileSync(path.join(folder, name), [JSON.stringify(segment), ...records].join('\n'));
  }
}

const config = (webhook: string): CampaignConfigInput => ({
  seed: 5,
  objective: { property: 'logS', direction: 'maximize', unit: 'log(mol/L)', goal: 'learn' },
  pool: { sources: [{ uri: 'small.csv', smilesColumn: 'smiles' }] },
  featurizers: [{ kind: 'morgan', radius: 2, bits: 1024, counts: 'simulated' }],
  exploration: { families: ['gaussian-process'], trialsPerFamily: 1, folds: 2, maxRows: 48 },
  training: { folds: 3 },
  acquisition: { batchSize: BATCH, initialSize: 64 },
  budget: { rounds: 4 },
  rollout: { enabled: false },
  drift: {
    every: '1 hour',
    window: 100,
    approval: { 're-explore': 'manual' },
    widen: { sources: [{ uri: 'large.csv', smilesColumn: 'smiles' }] },
    hooks: { webhook },
  },
});

describe('a plate that is off, and molecules that are not those of the pool: on real parts', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-drift-'));
  const { small, large } = readExample();
  const told: { body: string; signature: string; key: string }[] = [];
  const truth = new Map<string, number>();
  let env: TestWorkflowEnvironment;
  let ports: Ports;
  let log: DriftLog;
  let handle: WorkflowHandle;
  let webhook: http.Server;
  let stop: () => Promise<void>;
  /** Times that the worker dies before and after it writes down what was done. */
  const deaths = { before: 0, after: 0 };
  const dies = async (when: keyof typeof deaths) => {
    if (deaths[when]-- > 0) throw new Error('the worker died');
  };

  beforeAll(async () => {
    for (const [name, rows] of [
      ['small.csv', small],
      ['large.csv', large],
    ] as const)
      writeFileSync(path.join(home, name), ['smiles', ...rows.map(({ smiles }) => smiles)].join('\n'));
    webhook = http.createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        const signature = String(request.headers['x-titrate-signature']);
        told.push({ body, signature, key: String(request.headers['idempotency-key']) });
        // The first try meets a server that is not quite there.
        response.writeHead(told.length === 1 ? 503 : 204).end();
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    env = await startServer();
    const settings = loadSettings({ home, workingDirectory: home, logLevel: 'error' }, {});
    ports = openPorts(settings);
    log = createDriftLog(ports.objects);
    const [chemistry, learning] = [ports.chemistry(), ports.learning()];
    const drift: DriftActivities = createDriftActivities({
      ...{ ...ports, chemistry, learning, driftLog: log, webhookSecret: SECRET },
      schedules: driftSchedules(async () => env.client),
      predictions: path.join(home, 'predictions'),
    });
    const settle: DriftActivities['settleDriftAction'] = async (input) => {
      await dies('before');
      await drift.settleDriftAction(input);
      await dies('after');
    };
    const activities = {
      warehouse: createWarehouseActivities({
        ...{ ...ports, landing: ports.landing(), warehouse: await ports.warehouse(), workingDirectory: home },
      }),
      featurization: createFeaturizationActivities({ ...ports, chemistry, processor: ports.processor() }),
      gpu: createGpuActivities({ ...ports, learning, training: ports.training(), tuning: null }),
      deploy: {
        ...createDeployActivities({
          ...{ ...ports, chemistry, learning, modelUpload: null, signer: null },
          ...{ evidence: openEvidence(settings, {}), reports: homePaths(settings).reports },
        }),
        ...drift,
        settleDriftAction: settle,
      },
    };
    ({ stop } = await startWorkers(env, activities, { activity: [failureInterceptor] }));
    const all = [...small, ...large];
    const outcomes = await chemistry.standardise(
      all.map(({ smiles }) => ({ notation: 'smiles', text: smiles })),
      { maxHeavyAtoms: 300, maxCharacters: 1000 },
      { ruleSet: 'standard-2', isotopes: 'keep' },
    );
    outcomes.forEach((outcome, i) => outcome.ok && truth.set(outcome.molecule.moleculeId, all[i]!.value));
    const { port } = webhook.address() as AddressInfo;
    handle = await env.client.workflow.start('activeLearningCampaign', {
      ...{ taskQueue: 'orchestration', workflowId: CAMPAIGN },
      args: [config(`http://127.0.0.1:${port}/drift`)],
    });
  }, 120_000);
  afterAll(async () => {
    await stop();
    await ports.close();
    await env.teardown();
    webhook.close();
    rmSync(home, { recursive: true, force: true });
  });

  const until = <T>(probe: () => Promise<T>, enough: (value: T) => boolean) =>
    eventually(probe, enough, { seconds: 60, every: 50 });
  const batchOf = (round: number) =>
    until(
      () => handle.query<CurrentBatch>('currentBatch'),
      ({ batchId }) => batchId === `${CAMPAIGN}/batch/${round}`,
    );
  const status = async (): Promise<DriftStatus> => driftStatusOf(CAMPAIGN, await log.read(CAMPAIGN));
  const actionOf = (id: string, enough: (action: DriftStatus['actions'][0]) => boolean) =>
    until(
      async () => (await status()).actions.find((action) => action.id === id),
      (action) => action !== undefined && enough(action),
    ).then((action) => action!);
  const post = (results: readonly LabResultInput[]) =>
    handle.executeUpdate('submitResults', { args: [{ results }] });
  /** Every pick's value, half of them on each of two plates. */
  const answer = async (round: number, offset = 0) => {
    const { sheet } = await batchOf(round);
    const results = sheet!.picks.map(({ moleculeId }, i) => ({
      ...{ resultId: `${round}/${moleculeId}`, moleculeId, plate: `${round}-${1 + (i % 2)}` },
      value: truth.get(moleculeId)! + (i % 2 ? offset : 0),
    }));
    await post(results);
    return sheet!;
  };

  test('the plate is found before it is learnt from: controls are asked for, and somebody is told', async () => {
    await answer(1);
    await batchOf(2);
    expect((await env.client.schedule.getHandle(driftWatchId(CAMPAIGN)).describe()).spec.intervals).toEqual([
      expect.objectContaining({ every: 3_600_000 }),
    ]);
    // The worker dies when it has done it and not written it down, and again when it has: it is done once all the same.
    Object.assign(deaths, { before: 1, after: 1 });
    await answer(2, OFFSET);
    const id = 'returned/2/control-plate';
    const asked = await actionOf(id, ({ state }) => state === 'done');
    expect(asked).toMatchObject({ cause: 'plate-offset', subject: '2-2', effect: 'not-known-yet' });
    expect(asked.controls).toHaveLength(8);
    expect(new Set(asked.controls.map(({ plate }) => plate))).toEqual(new Set(['2-2']));
    expect(
      (await log.actions(CAMPAIGN)).filter(({ record }) => record.action === 'control-plate'),
    ).toHaveLength(1);
    await actionOf('returned/2/tell', ({ state }) => state === 'done');
    expect(deaths.after).toBeLessThan(1);
    const counted = await ports.metrics.registry.getSingleMetricAsString('titrate_drift_actions_total');
    expect(counted).toContain(`{campaign="${CAMPAIGN}",action="control-plate"} 1\n`);
    expect(told).toHaveLength(2);
    const { body, signature, key } = told[1]!;
    expect(key).toBe('returned/2/tell');
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature)!;
    expect(hex).toBe(createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex'));
    expect(JSON.parse(body)).toMatchObject({ campaignId: CAMPAIGN, action: { cause: 'plate-offset' } });
  }, 180_000);

  test('controls that come with the next batch say how far the plate is off, and later batches whether that helped', async () => {
    const { controls } = await batchOf(3);
    await post(
      controls!.molecules.map(({ moleculeId }) => ({
        ...{ resultId: `control/${moleculeId}`, moleculeId, plate: '3-1' },
        value: truth.get(moleculeId)!,
      })),
    );
    const sheet = await answer(3);
    const found = await actionOf('returned/2/control-plate', (action) => action.found !== null);
    expect(found.found).toMatchObject({ controls: 8, decision: 'correct' });
    expect(found.found!.offset).toBeCloseTo(OFFSET, 6);
    expect(found.after!.rows).toBe(sheet.picks.length);
    expect(found.effectSentence).toMatch(/absolute error/);
  }, 120_000);

  test('its values are put right by what a person posts, and what was measured stays on record', async () => {
    const made = await correctionsOfDoubt(ports, CAMPAIGN);
    expect(made).toMatchObject({ action: 'returned/2/control-plate', subject: '2-2', passedOver: [] });
    expect(made.corrections).toHaveLength(BATCH / 2);
    for (const { moleculeId, value } of made.corrections)
      expect(value).toBeCloseTo(truth.get(moleculeId!)!, 2);
    const file = path.join(home, 'corrections.csv');
    writeFileSync(file, correctionsToCsv(made.corrections));
    const { rows } = readResultsFile(file);
    const results = rows.map(({ result }) => result!);
    const { receipts } = (await post(results)) as { receipts: Receipt[] };
    expect(receipts.map(({ status }) => status)).toEqual(results.map(() => 'accepted'));
    const known = await readStandingResults(ports.objects, CAMPAIGN);
    const plate = known.filter((result) => result.plate === '2-2');
    expect(plate).toHaveLength(BATCH / 2);
    for (const { moleculeId, value } of plate) expect(value).toBeCloseTo(truth.get(moleculeId)!, 2);
    const all = await (await ports.warehouse()).results(CAMPAIGN);
    expect(all.filter(({ resultId }) => results.some(({ replaces }) => replaces === resultId))).toHaveLength(
      BATCH / 2,
    );
    expect((await correctionsOfDoubt(ports, CAMPAIGN)).corrections).toEqual([]);
  }, 120_000);

  test('molecules that are not those of the pool: it is widened at once, and settings are searched anew when somebody says so', async () => {
    await batchOf(4);
    const card = await ports.registry.resolve(`${CAMPAIGN}/v2`);
    const model = await loadModel(
      { ...ports, chemistry: ports.chemistry(), learning: ports.learning() },
      card,
    );
    const outcomes = await model.predict(large.slice(0, 120).map(({ smiles }) => smiles));
    model.dispose();
    const asked = new PredictionLog({
      ...{ directory: path.join(home, 'predictions'), share: 1, maxRecords: 1000, segmentMs: 3_600_000 },
      ...{ moleculeIds: true, smiles: true, retainMs: 86_400_000, maxBytes: 1e9 },
      ...{ chemistry: ports.chemistry(), logger: { warn: console.warn } as never },
    });
    asked.offer(
      { model: CAMPAIGN, version: 'v2' },
      {
        ...{ model: CAMPAIGN, version: 'v2', property: 'logS', unit: 'log(mol/L)' },
        predictions: outcomes,
      },
    );
    await asked.close();
    // Its stretch of time is over for a while.
    ageSegments(path.join(home, 'predictions', CAMPAIGN, 'v2'));
    await env.client.schedule.getHandle(driftWatchId(CAMPAIGN)).trigger();
    const widened = await actionOf('asked/v2/1/widen-pool', ({ state }) => state !== 'waiting');
    expect(widened).toMatchObject({
      state: 'done',
      note: expect.stringContaining('the next round chooses from'),
    });
    expect((await handle.query<CampaignStatus>('status')).poolSize).toBeGreaterThan(650);
    const waiting = await actionOf('asked/v2/1/re-explore', () => true);
    expect(waiting).toMatchObject({ state: 'waiting', approved: false });
    const decision = { id: waiting.id, decision: 'approve', by: 'ada' };
    await handle.executeUpdate('decideDrift', { args: [decision] });
    const explored = await actionOf(waiting.id, ({ state }) => state !== 'waiting');
    expect(explored).toMatchObject({ state: 'done', model: `${CAMPAIGN}/v4` });
    // Asked for again, there is no whole window and nothing is looked at twice.
    const again = await env.client.workflow.execute<(input: object) => Promise<DriftWatchOutput>>(
      'driftWatch',
      {
        ...{ taskQueue: 'orchestration', workflowId: `${driftWatchId(CAMPAIGN)}/asked` },
        args: [{ campaignId: CAMPAIGN, occasion: 'asked' }],
      },
    );
    expect(again).toEqual({ looks: [], asked: [], nothing: null });
  }, 120_000);

  test('the schedule goes with the campaign', async () => {
    await handle.signal('stop');
    await handle.result();
    await expect(env.client.schedule.getHandle(driftWatchId(CAMPAIGN)).describe()).rejects.toThrow(
      ScheduleNotFoundError,
    );
  }, 60_000);
});
