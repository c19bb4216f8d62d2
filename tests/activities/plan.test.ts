import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createPlan, type PlanExplorationRequest } from '../../activities/gpu/plan';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import { withPulse } from '../../activities/shared/heartbeat';
import type { GpuPorts } from '../../activities/shared/ports';
import {
  campaignConfigSchema,
  COLD_START,
  TitrateError,
  type CampaignConfigInput,
  type Cut,
  type ExplorationRecord,
  type FeaturizerSpec,
  type MlpEnsembleSettings,
  type RoundRecord,
  type TrialSpec,
} from '../../src/contracts';
import { createFileObjectStore, type ObjectStore } from '../../src/objects';
import { createCampaignLog } from '../../src/tracking';
import { createVizierTuning, type TuningService } from '../../src/training';
import { startVizierServer, type VizierServer } from '../training/support/vizier-server';

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
const morgan: FeaturizerSpec = { kind: 'morgan', radius: 2, bits: 2048, counts: 'none' };
const maccs: FeaturizerSpec = { kind: 'maccs' };
const LABELS = 40;

const configOf = (exploration: CampaignConfigInput['exploration']) =>
  campaignConfigSchema.parse({
    objective: { property: 'p', direction: 'maximize' },
    pool: { dataset: 'pool' },
    featurizers: [morgan, maccs],
    exploration,
  });
const network = (trialId: string, learningRate: number): TrialSpec => ({
  trialId,
  featurizer: maccs,
  settings: {
    ...{ family: 'mlp-ensemble', members: 9, hidden: [64], dropout: 0, weightDecay: 1e-4 },
    ...{ learningRate, batchSize: 128, epochs: 99 },
  },
});
const explored = (trial: TrialSpec) =>
  ({
    trials: [trial],
    results: [{ trialId: trial.trialId, rung: 0, rows: 10, metrics: { rmse: 1 } }],
    chosen: trial,
  }) as unknown as ExplorationRecord;

describe('the plan of an exploration', () => {
  const homes: string[] = [];
  let objects: ObjectStore;
  let cut: Cut;
  let server: VizierServer;
  const opened: TuningService[] = [];

  beforeAll(async () => {
    server = await startVizierServer('a-project', 'us-central1');
  });
  afterAll(async () => {
    for (const tuning of opened) await tuning.close();
    await server.stop();
    for (const home of homes) rmSync(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-plan-'));
    homes.push(home);
    objects = createFileObjectStore(home);
    const rows = Array.from({ length: LABELS }, (_, i) => ({ moleculeId: `m${i}`, value: i }));
    const training = await jsonArtifacts(objects).putRows(rows);
    cut = { cutId: 'cut_4', campaignId: 'mine', round: 4, training, labels: LABELS } as Cut;
    server.studies.length = server.trials.length = server.faults.length = 0;
  });

  const vizier = (endpoint = server.endpoint): TuningService => {
    const tuning = createVizierTuning({ projectId: 'a-project', region: 'us-central1', endpoint });
    opened.push(tuning);
    return tuning;
  };
  /** As a worker would that has just been started. */
  const worker = (
    tuning: TuningService | null = null,
    log: GpuPorts['log'] = createCampaignLog(objects),
    store = objects,
  ) => {
    const activities = createPlan({ objects: store, log, tuning } as unknown as GpuPorts);
    const pulsed =
      <A, R>(activity: (request: A) => Promise<R>) =>
      (request: A) =>
        withPulse(PULSE, () => activity(request));
    return { plan: pulsed(activities.planExploration), report: pulsed(activities.reportTrials) };
  };
  const request = (exploration: CampaignConfigInput['exploration'] = {}): PlanExplorationRequest => {
    const config = configOf(exploration);
    const { featurizers, training } = config;
    return { cut, featurizers, exploration: config.exploration, training, seed: 7 };
  };
  const record = (campaignId: string, round: number, exploration: ExplorationRecord | null) =>
    createCampaignLog(objects).recordRound(campaignId, { summary: { round }, exploration } as RoundRecord);
  const rates = (trials: readonly TrialSpec[]) =>
    trials
      .filter(({ trialId }) => trialId.startsWith('warm'))
      .map(({ settings }) => (settings as MlpEnsembleSettings).learningRate);

  test('a campaign that was started before there was a warm start draws what it drew then, and nothing is recorded', async () => {
    await record('mine', 3, explored(network('mlp-2', 0.0021)));
    const { warmStart: _, split: __, ...before } = request().exploration;
    const old = { ...request(), exploration: before } as unknown as PlanExplorationRequest;
    const plan = await worker().plan(old);
    expect(plan.warmStart).toBeUndefined();
    expect(plan.trials.map(({ trialId }) => trialId)).toEqual(
      ['gp', 'mlp'].flatMap((name) => [1, 2, 3].map((n) => `${name}-${n}`)),
    );
    const cold = await worker().plan(request({ warmStart: COLD_START }));
    expect(cold.trials).toEqual(plan.trials);
    expect(await objects.listRecords('campaigns/mine/plans/')).toEqual([]);
  });

  test('earlier winners come first: of this campaign by itself, of others when they are named; what was read is on record', async () => {
    const mine = await record('mine', 2, explored(network('mlp-2', 0.0021)));
    await record('mine', 3, null);
    const theirs = await record('theirs', 9, explored(network('mlp-3', 0.0029)));
    // Of a later round of a replayed one nothing is known.
    await record('mine', 4, explored(network('mlp-3', 0.0011)));
    const alone = await worker().plan(request());
    expect(rates(alone.trials)).toEqual([0.0021]);
    const both = await worker().plan(request({ warmStart: { campaigns: ['theirs', 'mine'] } }));
    expect(rates(both.trials)).toEqual([0.0021, 0.0029]);
    expect(both.trials.slice(2)).toEqual(alone.trials.slice(1));
    expect(both.warmStart).toEqual({
      read: [
        { campaignId: 'mine', round: 2, record: mine.sha256 },
        { campaignId: 'theirs', round: 9, record: theirs.sha256 },
      ],
      trials: [
        { trialId: 'warm-1', campaignId: 'mine', round: 2, was: 'mlp-2' },
        { trialId: 'warm-2', campaignId: 'theirs', round: 9, was: 'mlp-3' },
      ],
      notes: [],
    });
    const others = { earlierRounds: false, campaigns: ['theirs'] };
    expect(rates((await worker().plan(request({ warmStart: others }))).trials)).toEqual([0.0029]);
  });

  test('the plan that was made first stands, whatever has happened to its sources since', async () => {
    const asked = request({ warmStart: { earlierRounds: false, campaigns: ['theirs'] } });
    await record('theirs', 1, explored(network('mlp-2', 0.0012)));
    const first = await worker().plan(asked);
    await record('theirs', 2, explored(network('mlp-3', 0.0028)));
    expect(await worker().plan(asked)).toEqual(first);
    // Of two workers at work on it, who records first is right: here the one that began later and saw more.
    const later = { ...asked, cut: { ...cut, round: 5, cutId: 'cut_5' } };
    let finish = () => {};
    const held = new Promise<void>((resolve) => (finish = resolve));
    let begun = () => {};
    const reading = new Promise<void>((resolve) => (begun = resolve));
    const log = createCampaignLog(objects);
    const slow = worker(null, {
      roundRecords: async (campaignId) => {
        const records = await log.roundRecords(campaignId);
        begun();
        await held;
        return records;
      },
    }).plan(later);
    await reading;
    await record('theirs', 3, explored(network('mlp-1', 0.0017)));
    const quick = await worker().plan(later);
    finish();
    expect(rates(quick.trials)).toEqual([0.0017]);
    expect(await slow).toEqual(quick);
  });

  test('a source that is missing or damaged is told and costs nothing else; a store that is away is waited for', async () => {
    await record('mine', 2, explored(network('mlp-2', 0.0021)));
    await objects.createRecord(
      'campaigns/broken/rounds/000001',
      Buffer.from(
        JSON.stringify({ sha256: 'f'.repeat(64), mediaType: 'application/json', bytes: 1, uri: 'x' }),
      ),
    );
    const { trials, warmStart } = await worker().plan(
      request({ warmStart: { campaigns: ['nobody', 'broken'] } }),
    );
    expect(rates(trials)).toEqual([0.0021]);
    expect(warmStart!.notes).toEqual([
      "campaign 'nobody' has explored nothing that is on record here",
      expect.stringMatching(/^campaign 'broken', round 1, could not be read: /),
    ]);
    const away = {
      ...createCampaignLog(objects),
      roundRecords: () => Promise.reject(new TitrateError('unavailable', { what: 'the bucket is away' })),
    };
    const other = { ...request(), seed: 8 };
    await expect(worker(null, away).plan(other)).rejects.toMatchObject({ code: 'unavailable' });
    expect(rates((await worker().plan(other)).trials)).toEqual([0.0021]);
  });

  test('settings of ensembles are asked of Vizier, once a round; a repeated activity asks and reports nothing more', async () => {
    // The first worker dies when it has asked, before the plan is recorded.
    const dying = Object.assign(Object.create(objects) as ObjectStore, {
      createRecord: () => Promise.reject(new Error('killed')),
    });
    await expect(worker(vizier(), undefined, dying).plan(request())).rejects.toThrow('killed');
    expect(server.trials).toHaveLength(3);
    const first = await worker(vizier()).plan(request());
    const ids = first.trials.map(({ trialId }) => trialId);
    expect(ids).toEqual(['gp-1', 'gp-2', 'gp-3', 'mlp-vizier-1', 'mlp-vizier-2', 'mlp-vizier-3']);
    expect(first.trials.at(-1)!.settings).toMatchObject({ members: 5, epochs: 30, batchSize: 16 });
    expect(server.studies.map(({ displayName }) => displayName)).toEqual([
      expect.stringMatching(/^mine-[0-9a-f]{12}$/),
    ]);
    expect(await worker(vizier()).plan(request())).toEqual(first);
    expect(server.trials).toHaveLength(3);
    cut = { ...cut, round: 5, cutId: 'cut_5' };
    await worker(vizier()).plan(request());
    expect(server.studies).toHaveLength(1);
    expect(server.trials).toHaveLength(6);

    const { asked } = first.tuner!;
    const report = {
      asked: asked!,
      step: 1,
      values: [{ trialId: 'mlp-vizier-1', value: 0.5 }],
      candidates: ['mlp-vizier-1', 'mlp-vizier-2', 'gp-1'],
      ends: [{ trialId: 'mlp-vizier-3', infeasible: 'no memory' }],
    };
    server.hopeless.add('2');
    server.faults.push({ method: 'AddTrialMeasurement', code: 'UNAVAILABLE', message: 'reset', lost: true });
    for (let i = 0; i < 2; i++)
      expect(await worker(vizier()).report(report)).toEqual({ stop: ['mlp-vizier-2'] });
    expect(server.trials.slice(0, 3)).toMatchObject([
      { state: 'ACTIVE', measurements: [{ stepCount: 1, metrics: [{ value: 0.5 }] }] },
      { state: 'STOPPING', measurements: [] },
      { state: 'INFEASIBLE', infeasibleReason: 'no memory' },
    ]);
    expect(server.trials[0]!.measurements).toHaveLength(1);
  });

  test.each([
    ['refuses', () => server.endpoint, /settings were drawn here instead: .*roles\/aiplatform\.user/s],
    ['is away', () => 'http://127.0.0.1:1', /settings were drawn here instead: .*failed/s],
  ])('where Vizier %s, settings are drawn here, and the record says so', async (_, endpoint, note) => {
    server.faults.push({ method: 'LookupStudy', code: 'PERMISSION_DENIED', message: 'no' });
    const plan = await worker(vizier(endpoint())).plan(request({ warmStart: COLD_START }));
    const local = await worker().plan(request({ warmStart: COLD_START }));
    expect(plan.trials).toEqual(local.trials);
    expect(plan.tuner).toMatchObject({ asked: null, notes: [expect.stringMatching(note)] });
    // It stands, also when Vizier is back.
    expect(await worker(vizier()).plan(request({ warmStart: COLD_START }))).toEqual(plan);
    const asked = { study: 'mine', featurizers: [maccs], suggestions: [{ trialId: 'x', id: '1' }] };
    const report = { asked, step: 1, values: [{ trialId: 'x', value: 1 }], candidates: [], ends: [] };
    if (endpoint() !== server.endpoint)
      expect(await worker(vizier(endpoint())).report(report)).toEqual({
        stop: [],
        note: expect.stringMatching(/^rung 1 was not reported in full: /),
      });
  });
});
