import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FeatureSet } from '../../../activities/featurization';
import { createAcquire, type AcquireRequest } from '../../../activities/gpu/acquire';
import { createScore } from '../../../activities/gpu/score';
import { jsonArtifacts } from '../../../activities/shared/artifacts';
import { withPulse } from '../../../activities/shared/heartbeat';
import type { TrainingPorts } from '../../../activities/shared/ports';
import { encodeFeatureMatrix } from '../../../src/chemistry';
import {
  campaignConfigSchema,
  MEDIA_TYPES,
  type ArtifactRef,
  type CampaignConfigInput,
  type Cut,
  type FeaturisedShard,
  type Pick as SheetPick,
  type RuntimePin,
  type TrainingRow,
} from '../../../src/contracts';
import { hashOf, selectFeatureRows } from '../../../src/foundation';
import { createLearning, type FitRequest } from '../../../src/learning';
import { createFileObjectStore, createStepCache } from '../../../src/objects';
import { createLocalTraining } from '../../../src/training';
import { takeStock, type OpenedBatch, type StandingResult } from '../../../src/warehouse/knowledge';
import { bitPool } from '../../acquisition/support/bit-pool';

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
export const BATCH = 12;
const GAUSSIAN: FitRequest['settings'] = { family: 'gaussian-process', noiseRatios: [0.01, 0.1] };

/** Computes whatever was recorded before: a batch's key is the same, however its pool was scored. */
export const AFRESH = createLocalTraining({
  run: async (_step, _key, compute) => ({ value: await compute(), cached: false, seconds: 0 }),
});

export const smilesOf = (id: string) => `C${id.slice(-4)}`;
export const configOf = (changes: Partial<CampaignConfigInput> = {}) =>
  campaignConfigSchema.parse({
    objective: { property: 'p', direction: 'maximize' },
    pool: { dataset: 'pool' },
    ...changes,
  });

export type AcquireChanges = Partial<AcquireRequest> & Pick<AcquireRequest, 'cut' | 'model'>;

/** Rounds over a made pool in a store of their own, with models that are really fitted. @param sizes of the pool's shards */
export async function openRounds(sizes: readonly number[]) {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-rounds-'));
  const objects = createFileObjectStore(home);
  const learning = createLearning({ threads: 1, backend: 'cpu' });
  const artifacts = jsonArtifacts(objects);
  const rows = sizes.reduce((sum, size) => sum + size, 0);
  const { features, values } = bitPool(rows, 12);
  const ids = features.moleculeIds;
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const featuresOf = (list: readonly string[]) =>
    selectFeatureRows(
      features,
      list.map((id) => rowOf.get(id)!),
    );

  const shards: FeaturisedShard[] = [];
  let from = 0;
  for (const size of sizes) {
    const own = ids.slice(from, from + size);
    from += size;
    const shard = await artifacts.putRows(
      own.map((moleculeId) => ({ moleculeId, smiles: smilesOf(moleculeId) })),
    );
    const bytes = await objects.put(encodeFeatureMatrix(featuresOf(own)), MEDIA_TYPES.features);
    shards.push({ shard, featurizer: features.spec, features: bytes, rows: size });
  }
  const pool = await artifacts.putJson(shards.map(({ shard }) => shard));
  const set: FeatureSet = {
    ...{ featurizer: features.spec, shards: await artifacts.putJson(shards), digest: hashOf(shards) },
  };
  const refs = (list: readonly string[]) => artifacts.putRows(list.map((moleculeId) => ({ moleculeId })));

  async function cutOf(results: readonly StandingResult[], batches: readonly OpenedBatch[], round: number) {
    const stock = takeStock({ results, batches, prior: [], direction: 'maximize', retryFailed: false });
    const cut = {
      ...{ cutId: `cut_${hashOf(stock.resultIds)}_${round}`, round, best: stock.best, extraShards: [] },
      ...{ labels: stock.training.length, measured: stock.measured, failed: stock.failed.length },
      training: await artifacts.putRows(stock.training),
      pending: await refs(stock.pending),
      excluded: await refs(stock.excluded),
    } as unknown as Cut;
    return { cut, stock };
  }

  async function modelOf(
    training: readonly TrainingRow[],
    settings = GAUSSIAN,
  ): Promise<NonNullable<AcquireRequest['model']>> {
    const model = await learning.fit({
      settings,
      labelled: {
        features: featuresOf(training.map(({ moleculeId }) => moleculeId)),
        targets: Float64Array.from(training, (row) => row.value),
        qualifiers: training.map((row) => row.qualifier),
        replicates: new Float64Array(training.length).fill(1),
      },
      seed: 1,
    });
    const weights = await objects.put(await model.serialise(), MEDIA_TYPES.model);
    model.dispose();
    return { family: settings.family, weights, calibrationScale: 1, features: set };
  }

  function portsOf(changes: Partial<TrainingPorts> = {}) {
    const steps = createStepCache(objects);
    return { objects, steps, learning, training: createLocalTraining(steps), ...changes } as TrainingPorts;
  }

  function requestOf(changes: AcquireChanges): AcquireRequest {
    const { objective, acquisition } = configOf();
    return {
      ...{ dataVersion: 'data-1', pool, objective, acquisition, batchSize: BATCH, seed: 7 },
      runtime: {} as RuntimePin,
      ...changes,
    };
  }

  async function acquire(changes: AcquireChanges, ports = portsOf()) {
    const { acquireBatch } = createAcquire(ports);
    const { value } = await withPulse(PULSE, () => acquireBatch(requestOf(changes)));
    return { ...value, picks: await artifacts.getRows<SheetPick>(value.picks) };
  }

  /** The lists of every group of so many shards, as the workflow asks for them. */
  async function score(changes: AcquireChanges, shardsPerTask: number, ports = portsOf()) {
    const { planScoring, scoreCandidates } = createScore(ports);
    const request = requestOf(changes);
    const scored: ArtifactRef[] = [];
    for (let more = true; more;) {
      const plan = await withPulse(PULSE, () => planScoring({ ...request, scored }));
      more = plan.more;
      const { lists } = plan;
      const found: ArtifactRef[] = [];
      for (let at = 0; at < sizes.length && lists.length > 0; at += shardsPerTask) {
        const range = { from: at, to: Math.min(at + shardsPerTask, sizes.length) };
        const { value } = await withPulse(PULSE, () => scoreCandidates({ ...request, lists, range }));
        found.push(value.lists);
      }
      scored.push(...found);
    }
    return scored;
  }

  return {
    ...{ objects, learning, ids, pool, set, cutOf, modelOf, portsOf, requestOf, acquire, score },
    valueOf: (id: string) => values[rowOf.get(id)!]!,
    async close() {
      await learning.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export type Rounds = Awaited<ReturnType<typeof openRounds>>;

/** A measured value of a molecule; `n` numbers the posting. */
export const measuredRow = ({ valueOf }: Rounds, id: string, n: number): StandingResult => ({
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
