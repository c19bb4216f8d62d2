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
  type Cut,
  type FeaturisedShard,
  type Pick as SheetPick,
  type RuntimePin,
  type TrainingRow,
} from '../../src/contracts';
import { hashOf, selectFeatureRows } from '../../src/foundation';
import { createLearning, type Learning } from '../../src/learning';
import { createFileObjectStore, createStepCache, type ObjectStore } from '../../src/objects';
import { createLocalTraining } from '../../src/training';
import { bitPool } from '../acquisition/support/bit-pool';

const PULSE = { cancellationSignal: new AbortController().signal, heartbeat: () => undefined };
const { features, values } = bitPool(160, 12);
const ids = features.moleculeIds;
const smilesOf = (id: string) => `C${id.slice(-4)}`;
const heldOut = { rmse: 0.3, spearman: 0.7, coverage90: 0.9 };

/** Molecules 0 to 39 have the first property; of the second, which is the first turned round and shifted, every second of 10 to 49. */
const first = ids.slice(0, 40).map((id, i) => rowOf(id, values[i]!));
const second = ids
  .slice(10, 50)
  .flatMap((id, i) => (i % 2 ? [] : [rowOf(id, 3 - values[10 + i]! + (i % 5))]));

function rowOf(moleculeId: string, value: number): TrainingRow {
  return { moleculeId, smiles: smilesOf(moleculeId), value, qualifier: '=', replicates: 1, spread: 0 };
}
const byId = (rows: readonly TrainingRow[]) =>
  [...rows].sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));

describe('the batch of a round of several properties', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-several-'));
  let objects: ObjectStore;
  let learning: Learning;
  let pool: AcquireRequest['pool'];
  let set: FeatureSet;

  beforeAll(async () => {
    objects = createFileObjectStore(home);
    learning = createLearning({ threads: 1, backend: 'cpu' });
    const artifacts = jsonArtifacts(objects);
    const shard = await artifacts.putRows(
      ids.map((moleculeId) => ({ moleculeId, smiles: smilesOf(moleculeId) })),
    );
    const bytes = await objects.put(encodeFeatureMatrix(features), MEDIA_TYPES.features);
    const shards: FeaturisedShard[] = [
      { shard, featurizer: features.spec, features: bytes, rows: ids.length },
    ];
    pool = await artifacts.putJson([shard]);
    set = { featurizer: features.spec, shards: await artifacts.putJson(shards), digest: hashOf(shards) };
  });
  afterAll(async () => {
    await learning.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function weightsOf(rows: readonly TrainingRow[]) {
    const model = await learning.fit({
      settings: { family: 'gaussian-process', noiseRatios: [0.01, 0.1] },
      labelled: {
        features: selectFeatureRows(
          features,
          rows.map((row) => ids.indexOf(row.moleculeId)),
        ),
        targets: Float64Array.from(rows, (row) => row.value),
        qualifiers: rows.map((row) => row.qualifier),
        replicates: new Float64Array(rows.length).fill(1),
      },
      seed: 1,
    });
    const weights = await objects.put(await model.serialise(), MEDIA_TYPES.model);
    model.dispose();
    return weights;
  }

  async function acquire(table: readonly TrainingRow[], modelled = true) {
    const artifacts = jsonArtifacts(objects);
    const molecules = (list: readonly string[]) =>
      artifacts.putRows([...list].sort().map((moleculeId) => ({ moleculeId })));
    const labelled = [...new Set([...first, ...table].map((row) => row.moleculeId))];
    const pending = ids.slice(60, 64);
    const training = await artifacts.putRows(byId(table));
    const cut = {
      ...{
        cutId: 'cut_of_the_first',
        round: 2,
        extraShards: [],
        labels: first.length,
        measured: first.length,
      },
      training: await artifacts.putRows(byId(first)),
      pending: await molecules(pending),
      excluded: await molecules([...labelled, ...pending]),
      best: null,
      others: [
        { property: 'logP', training, labels: table.length, measured: table.length, censored: 0, failed: 0 },
      ],
    } as unknown as Cut;
    const { objective, acquisition } = campaignConfigSchema.parse({
      objective: {
        ...{ property: 'p', direction: 'maximize', goal: 'pareto' },
        others: [{ property: 'logP', direction: 'maximize' }],
      },
      pool: { dataset: 'pool' },
    });
    const steps = createStepCache(objects);
    const { acquireBatch } = createAcquire({
      ...{ objects, steps, learning, training: createLocalTraining(steps) },
    } as unknown as Parameters<typeof createAcquire>[0]);
    const outcome = await withPulse(PULSE, async () =>
      acquireBatch({
        ...{ cut, dataVersion: 'data-1', pool, objective, acquisition, batchSize: 6, seed: 7 },
        model: {
          family: 'gaussian-process',
          weights: await weightsOf(byId(first)),
          calibrationScale: 1,
          features: set,
        },
        others: [
          {
            property: 'logP',
            model: modelled
              ? {
                  family: 'gaussian-process',
                  weights: await weightsOf(byId(table)),
                  calibrationScale: 1.2,
                  heldOut,
                }
              : null,
          },
        ],
        evidence: { round: 2, roundsLeft: 3, heldOut },
        runtime: {} as RuntimePin,
      }),
    );
    const picks = await artifacts.getRows<SheetPick>(outcome.value.picks);
    return { ...outcome, picks, labelled, pending };
  }

  test('is chosen by all of them, and tells what each is expected to be', async () => {
    const { value, picks, labelled, pending } = await acquire(second);
    expect(value.decision!.name).toContain('ehvi');
    expect(picks).toHaveLength(6);
    for (const pick of picks) {
      expect([...labelled, ...pending]).not.toContain(pick.moleculeId);
      expect(pick.predicted).toEqual(expect.any(Number));
      expect(pick.others).toMatchObject([{ property: 'logP', standardDeviation: expect.any(Number) }]);
    }
    expect(value.candidates).toBe(ids.length - labelled.length - pending.length);
  });

  test('is found again as it stands, and made anew for what else is known of a further property', async () => {
    const again = await acquire(second);
    expect(again.cached).toBe(true);
    const other = await acquire(second.map((row, i) => (i === 0 ? { ...row, value: row.value + 5 } : row)));
    expect(other.cached).toBe(false);
  });

  test('goes by the first alone while the other has no model, and says so', async () => {
    const { value, picks } = await acquire(second.slice(0, 3), false);
    expect(value.decision!.why).toMatch(/logP.*no model/i);
    expect(picks).toHaveLength(6);
    for (const pick of picks) expect(pick.others ?? []).toEqual([]);
  });
});
