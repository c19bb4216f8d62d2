import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createWarehouseActivities, type PublishBatchRequest } from '../../activities/warehouse';
import { campaignConfigSchema, MEDIA_TYPES, standardisationSchema, type Pick } from '../../src/contracts';
import { encodeNdjson } from '../../src/foundation';
import { createPointerLog, createStepCache } from '../../src/objects';
import { createLanding, createTransports } from '../../src/sources';
import { createCampaignLog } from '../../src/tracking';
import { createDuckDbIndex, createWarehouse } from '../../src/warehouse';
import { molecule, newHome, sourceOf, type RowOf } from '../datasets/support';

/** Failures are what these tests look at; the log need not repeat them. */
const QUIET = new DefaultLogger('ERROR', () => undefined);

/** The activities on a real store and a real warehouse; the molecules need no chemistry. */
async function world() {
  const { folder, objects, datasets } = newHome();
  const warehouse = await createWarehouse({
    objects,
    datasets,
    index: await createDuckDbIndex({ path: `${folder}/w.duckdb`, objects }),
  });
  const activities = createWarehouseActivities({
    objects,
    datasets,
    warehouse,
    steps: createStepCache(objects),
    pointers: createPointerLog(objects),
    log: createCampaignLog(objects),
    landing: createLanding({
      objects,
      transports: createTransports({ workingDirectory: folder }),
      stagingDirectory: `${folder}/landing`,
    }),
    workingDirectory: folder,
  });
  const run = <A extends unknown[], R>(activity: (...args: A) => Promise<R>, ...args: A): Promise<R> =>
    new MockActivityEnvironment({}, { logger: QUIET }).run(activity, ...args) as Promise<R>;
  const commit = async (
    dataset: string,
    rows: readonly RowOf[],
    ruleSet: 'standard-1' | 'standard-2' = 'standard-2',
  ) =>
    run(activities.commitDataset, {
      dataset,
      sources: [await sourceOf(objects, rows, { standardisation: { ruleSet, isotopes: 'keep' } })],
      onto: 'head',
      author: 'test',
      reason: 'test',
    });
  const config = campaignConfigSchema.parse({
    objective: { property: 'p', direction: 'maximize', unit: 'pIC50' },
    pool: { dataset: 'pool' },
  });
  const move = (to: string, operationId = to) =>
    run(activities.rollbackData, {
      ...{ campaignId: 'c', to, author: 'ada', reason: 'test', operationId },
      ...{ standardisation: standardisationSchema.parse({}), unit: 'pIC50' },
    });
  const close = () => Promise.all([warehouse.close(), datasets.close()]);
  return { objects, datasets, warehouse, activities, run, commit, config, move, close };
}
type World = Awaited<ReturnType<typeof world>>;

describe('the warehouse activities', () => {
  let at: World;
  beforeEach(async () => {
    at = await world();
  });
  afterEach(() => at.close());

  test.each([
    ['of other rules', 'old', 'config-invalid', /standard-1.*standard-2/],
    ['in another unit', 'nanomolar', 'unit-unknown', /nM/],
    ['that is not there', 'unheard-of', 'not-found', /unheard-of/],
    ['that was pruned', 'pruned', 'artifact-pruned', /pruned by cleo/],
  ])('data %s are refused before the campaign is moved to them', async (_, name, code, message) => {
    const { dataVersion } = await at.commit('pool', [{ n: 1 }, { n: 2 }]);
    await at.commit('old', [{ n: 1 }], 'standard-1');
    await at.commit('nanomolar', [{ n: 1, value: 5, unit: 'nM' }]);
    const gone = await at.commit('pruned', [{ n: 7 }]);
    await at.commit('pruned', [{ n: 8 }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const prune = {
      dataset: 'pruned',
      keep: 0,
      olderThanMs: 0,
      dryRun: false,
      author: 'cleo',
      reason: 'full',
    };
    await at.datasets.prune(prune);
    const to = name === 'pruned' ? gone.dataVersion : name;
    await expect(at.move(to)).rejects.toMatchObject({ code, retryable: false });
    await expect(at.move(to)).rejects.toThrow(message);
    expect(await at.warehouse.branches('c')).toEqual([]);
    expect(await at.move(dataVersion)).toMatchObject({ moved: { branch: { number: 1, dataVersion } } });
  });

  test('results that name a molecule of a batch are taken in, also when its pool has changed meanwhile', async () => {
    const { dataVersion } = await at.commit('pool', [{ n: 1 }, { n: 2 }]);
    const smaller = await at.commit('smaller', [{ n: 5 }]);
    await publish(at, dataVersion, 'cut_1', [1, 2]);
    const { receipts, progress } = await at.run(at.activities.recordResults, {
      campaignId: 'c',
      dataVersion: smaller.dataVersion,
      batchId: 'c/batch/1',
      rejected: [],
      rows: [1, 9].map((n) => ({
        ...{ resultId: `r${n}`, moleculeId: molecule(n).moleculeId, outcome: 'measured' as const },
        ...{ value: n, qualifier: '=' as const },
      })),
    });
    expect(receipts.map(({ status }) => status)).toEqual(['accepted', 'rejected']);
    expect(receipts[1]!.message).toMatch(/neither in the pool nor in a batch/);
    expect(progress).toEqual({ picks: 2, outstanding: 1 });
  });

  test('a sealed batch stands when its round is played again on other data, and is defended on the same', async () => {
    const { dataVersion } = await at.commit('pool', [{ n: 1 }, { n: 2 }, { n: 3 }]);
    const first = await publish(at, dataVersion, 'cut_1', [1, 2]);
    expect(await publish(at, dataVersion, 'cut_1', [1, 2])).toEqual(first);
    expect(await publish(at, dataVersion, 'cut_2', [3])).toEqual(first);
    await expect(publish(at, dataVersion, 'cut_1', [3])).rejects.toMatchObject({ code: 'contradiction' });
  });

  test('the list of shards outlives a prune while the campaign waits', async () => {
    const { dataVersion, shards } = await at.commit('pool', [{ n: 1 }, { n: 2 }]);
    await at.run(at.activities.openCampaign, {
      campaignId: 'c',
      config: at.config,
      dataVersion,
      poolSize: 2,
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const prune = { keep: 0, olderThanMs: 0, dryRun: false, author: 'a', reason: 'b' };
    await at.datasets.prune(prune);
    await at.run(at.activities.closeCut, { campaignId: 'c', round: 1, dataVersion, config: at.config });
    expect(await at.objects.has(shards.sha256)).toBe(true);
  });
});

async function publish(at: World, dataVersion: string, cutId: string, molecules: readonly number[]) {
  const picks = molecules.map((n, i): Pick => {
    const { moleculeId, smiles } = molecule(n);
    return { rank: i + 1, moleculeId, smiles, strategy: 'random', reason: 'by chance' };
  });
  const request: PublishBatchRequest = {
    campaignId: 'c',
    round: 1,
    batchId: 'c/batch/1',
    picks: await at.objects.put(encodeNdjson(picks), MEDIA_TYPES.ndjson),
    objective: at.config.objective,
    modelVersion: null,
    modelSha256: null,
    dataVersion,
    cutId,
    rule: {},
  };
  return at.run(at.activities.publishBatch, request);
}
