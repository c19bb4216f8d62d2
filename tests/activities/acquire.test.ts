import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FeatureSet } from '../../activities/featurization';
import { createAcquire, type AcquireRequest } from '../../activities/gpu/acquire';
import { jsonArtifacts } from '../../activities/shared/artifacts';
import { withPulse } from '../../activities/shared/heartbeat';
import { encodeFeatureMatrix } from '../../src/chemistry';
import {
  campaignConfigSchema,
  MEDIA_TYPES,
  type CampaignConfigInput,
  type Cut,
  type FeaturisedShard,
  type Pick as SheetPick,
  type RuntimePin,
  type TrainingRow,
} from '../../src/contracts';
import { createRandom, hashOf, selectFeatureRows } from '../../src/foundation';
import { createLearning, type Learning } from '../../src/learning';
import { createFileObjectStore, createStepCache, type ObjectStore } from '../../src/objects';
import { createLocalTraining } from '../../src/training';
import { takeStock, type OpenedBatch, type StandingResult } from '../../src/warehouse/knowledge';
import { bitPool } from '../acquisition/support/bit-pool';

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
const ROWS = 240;
const BATCH = 12;
const { features, values } = bitPool(ROWS, 12);
const ids = features.moleculeIds;
const smilesOf = (id: string) => `C${id.slice(-4)}`;
const valueOf = (id: string) => values[ids.indexOf(id)]!;

describe('the batch of a round', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-acquire-'));
  let objects: ObjectStore;
  let learning: Learning;
  let pool: AcquireRequest['pool'];
  let set: FeatureSet;

  beforeAll(async () => {
    objects = createFileObjectStore(home);
    learning = createLearning({ threads: 1, backend: 'cpu' });
    const artifacts = jsonArtifacts(objects);
    // Two shards, so that more than one is read.
    const halves = [ids.slice(0, 100), ids.slice(100)];
    const shards: FeaturisedShard[] = [];
    for (const half of halves) {
      const shard = await artifacts.putRows(
        half.map((moleculeId) => ({ moleculeId, smiles: smilesOf(moleculeId) })),
      );
      const rows = selectFeatureRows(
        features,
        half.map((id) => ids.indexOf(id)),
      );
      const bytes = await objects.put(encodeFeatureMatrix(rows), MEDIA_TYPES.features);
      shards.push({ shard, featurizer: features.spec, features: bytes, rows: half.length });
    }
    pool = await artifacts.putJson(shards.map(({ shard }) => shard));
    set = { featurizer: features.spec, shards: await artifacts.putJson(shards), digest: hashOf(shards) };
  });
  afterAll(async () => {
    await learning.close();
    rmSync(home, { recursive: true, force: true });
  });

  const configOf = (changes: Partial<CampaignConfigInput> = {}) =>
    campaignConfigSchema.parse({
      objective: { property: 'p', direction: 'maximize' },
      pool: { dataset: 'pool' },
      ...changes,
    });

  async function cutOf(results: readonly StandingResult[], batches: readonly OpenedBatch[], round: number) {
    const artifacts = jsonArtifacts(objects);
    const stock = takeStock({ results, batches, prior: [], direction: 'maximize', retryFailed: false });
    const refs = (list: readonly string[]) => artifacts.putRows(list.map((moleculeId) => ({ moleculeId })));
    const cut = {
      ...{ cutId: `cut_${hashOf(stock.resultIds)}_${round}`, round, best: stock.best, extraShards: [] },
      ...{ labels: stock.training.length, measured: stock.measured, failed: stock.failed.length },
      training: await artifacts.putRows(stock.training),
      pending: await refs(stock.pending),
      excluded: await refs(stock.excluded),
    } as unknown as Cut;
    return { cut, stock };
  }

  async function modelOf(training: readonly TrainingRow[]): Promise<AcquireRequest['model']> {
    const model = await learning.fit({
      settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1] },
      labelled: {
        features: selectFeatureRows(
          features,
          training.map((row) => ids.indexOf(row.moleculeId)),
        ),
        targets: Float64Array.from(training, (row) => row.value),
        qualifiers: training.map((row) => row.qualifier),
        replicates: new Float64Array(training.length).fill(1),
      },
      seed: 1,
    });
    const weights = await objects.put(await model.serialise(), MEDIA_TYPES.model);
    model.dispose();
    return { family: 'gaussian-process', weights, calibrationScale: 1, features: set };
  }

  async function acquire(request: Partial<AcquireRequest> & Pick<AcquireRequest, 'cut' | 'model'>) {
    const steps = createStepCache(objects);
    const { acquireBatch } = createAcquire({
      ...{ objects, steps, learning, training: createLocalTraining(steps) },
    } as unknown as Parameters<typeof createAcquire>[0]);
    const { objective, acquisition } = configOf();
    const { value } = await withPulse(PULSE, () =>
      acquireBatch({
        ...{ dataVersion: 'data-1', pool, objective, acquisition, batchSize: BATCH, seed: 7 },
        runtime: {} as RuntimePin,
        ...request,
      }),
    );
    return { ...value, picks: await jsonArtifacts(objects).getRows<SheetPick>(value.picks) };
  }

  const measuredRow = (id: string, n: number): StandingResult => ({
    chunk: n,
    result: {
      ...{ resultId: `r${n}-${id}`, moleculeId: id, standardSmiles: smilesOf(id), inchiKey: undefined },
      ...{
        outcome: 'measured',
        value: valueOf(id),
        qualifier: '=',
        batchId: undefined,
        measuredAt: undefined,
      },
    },
  });
  const start = (): StandingResult[] =>
    createRandom(3)
      .shuffle([...ids])
      .slice(0, 24)
      .map((id) => measuredRow(id, 1));

  test.each([
    ['auto', 'auto'],
    ['log-ei', 'joint'],
    ['log-ei', 'top'],
    ['thompson', 'auto'],
    ['maxmin', 'auto'],
  ] as const)(
    'never holds what is at the lab, failed or known, whatever comes back; what was abandoned may come again (%s, %s)',
    async (strategy, batching) => {
      const { acquisition } = configOf({ acquisition: { strategy, batching } });
      const random = createRandom(11);
      const results = start();
      const batches: OpenedBatch[] = [];
      let abandonedBefore = new Set<string>();
      let cameAgain = 0;
      for (let round = 1; round <= 4; round++) {
        const { cut, stock } = await cutOf(results, batches, round);
        const { picks } = await acquire({
          cut,
          acquisition,
          model: await modelOf(stock.training),
          seed: round,
        });
        const picked = picks.map(({ moleculeId }) => moleculeId);
        expect(new Set(picked).size).toBe(BATCH);
        const taboo = new Set([
          ...stock.pending,
          ...stock.failed,
          ...stock.training.map((row) => row.moleculeId),
        ]);
        expect(picked.filter((id) => taboo.has(id))).toEqual([]);
        if (round > 1) expect(stock.pending.length).toBeGreaterThan(0);
        cameAgain += picked.filter((id) => abandonedBefore.has(id)).length;

        batches.push({ batchId: `b${round}`, afterChunks: round, moleculeIds: picked });
        // A quarter each: late for ever, failed, abandoned, measured; the first of the batch is abandoned.
        picked.forEach((id, i) => {
          const fate =
            i === 0
              ? 'abandoned'
              : (['late', 'failed', 'abandoned', 'measured'] as const)[Math.floor(4 * random.next())]!;
          if (fate === 'late') return;
          const row = measuredRow(id, round + 1);
          const outcome = fate;
          results.push(
            fate === 'measured'
              ? row
              : { ...row, result: { ...row.result, outcome, value: undefined, batchId: `b${round}` } },
          );
        });
        abandonedBefore = new Set((await cutOf(results, batches, round)).stock.abandoned);
      }
      expect(cameAgain).toBeGreaterThan(0);
    },
    60_000,
  );

  test('what is at the lab changes a joint batch, and a batch says what decided it and how its picks stand', async () => {
    const { acquisition } = configOf({ acquisition: { batching: 'joint', strategy: 'log-ei' } });
    const { cut, stock } = await cutOf(start(), [], 2);
    const model = await modelOf(stock.training);
    const evidence = { round: 2, roundsLeft: 3, heldOut: { rmse: 0.3, spearman: 0.7, coverage90: 0.9 } };
    const alone = await acquire({ cut, model, acquisition, evidence });
    expect(alone.decision).toMatchObject({
      name: 'log-ei',
      parts: [{ strategy: 'log-ei', batching: 'joint' }],
    });
    expect(alone.decision!.why).not.toBe('');
    const known = new Map(stock.training.map((row) => [row.moleculeId, row.smiles]));
    for (const pick of alone.picks) {
      expect(pick.smiles).toBe(smilesOf(pick.moleculeId));
      expect(pick.interval90![0]).toBeLessThan(pick.predicted!);
      expect(pick.terms).toBeDefined();
      expect(pick.nearest).toMatchObject({ smiles: known.get(pick.nearest!.moleculeId) });
    }
    for (const passed of alone.passedOver!) expect(passed.smiles).toBe(smilesOf(passed.moleculeId));

    // The three best go to the lab: what they will tell is not asked for again.
    const out = alone.picks.slice(0, 3).map(({ moleculeId }) => moleculeId);
    const { cut: later } = await cutOf(start(), [{ batchId: 'b', afterChunks: 1, moleculeIds: out }], 2);
    const beside = await acquire({ cut: later, model, acquisition, evidence });
    const withoutThem = alone.picks.map(({ moleculeId }) => moleculeId).slice(3);
    expect(beside.picks.slice(0, 9).map(({ moleculeId }) => moleculeId)).toEqual(withoutThem);
  });

  test('before anything is measured it is a design where there are features for one, and chance otherwise', async () => {
    const { cut } = await cutOf([], [], 1);
    const designed = await acquire({ cut, model: null, design: set });
    expect(designed.decision!.name).toBe('50 % random, 50 % nipv');
    expect(designed.picks.filter(({ strategy }) => strategy === 'nipv')).toHaveLength(BATCH / 2);
    const byChance = await acquire({ cut, model: null });
    expect(byChance.picks.map(({ strategy }) => strategy)).toEqual(Array(BATCH).fill('random'));
  });

  test('what is left is held against the best where a campaign asks, with the batch among it', async () => {
    const { cut, stock } = await cutOf(start(), [], 2);
    const model = await modelOf(stock.training);
    const { prospects } = await acquire({ cut, model, prospects: { margin: 0.1 } });
    expect(prospects).toMatchObject({
      best: cut.best!.value,
      margin: 0.1,
      left: ROWS - 24,
      batchSize: BATCH,
    });
    expect(prospects!.chance).toBeGreaterThan(0);
    expect(prospects!.batchGain).toBeGreaterThan(0);
    expect((await acquire({ cut, model })).prospects).toBeUndefined();
    expect((await acquire({ cut, model: null, prospects: { margin: 0 } })).prospects).toBeUndefined();
  });
});
