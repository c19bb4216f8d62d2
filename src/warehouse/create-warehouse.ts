import { CAMPAIGN_ID_PATTERN, TitrateError, type DataBranch } from '../contracts';
import type { Datasets } from '../datasets';
import type { ObjectStore } from '../objects';
import { admitResults, faultOf } from './admission';
import { createBranches } from './branches';
import { readCut, readCuts, recordCut, splitsByTime } from './cuts';
import { createJournal } from './journal';
import { outstandingPicks, type StandingResult } from './knowledge';
import { createQueues } from './queues';
import type { Warehouse } from './warehouse';
import type { WarehouseIndex } from './warehouse-index';

export interface WarehouseOptions {
  readonly objects: ObjectStore;
  readonly datasets: Pick<Datasets, 'version' | 'resolve' | 'measuredValues' | 'findMolecules'>;
  /** Belongs to the warehouse from here on: it is closed with it, and when opening fails. */
  readonly index: WarehouseIndex;
}

const VERSION_RECORD = /^datasets\/(data_[0-9a-f]{32})$/;

/**
 * The warehouse: its logic over records and objects, with an index to ask.
 *
 * Order of a write: the rows as an object, then the numbered record that names it (the moment they count), then the index. Killed
 * before the record, nothing has happened; killed after it, the next call finds the record and indexes it, and a retry of the call
 * is told that its rows are duplicates. Any number of processes may work on one store, each with an index of its own or all with
 * one; an index that is missing, foreign, or older than the store is made anew or brought up to date on opening.
 * @throws TitrateError whatever the index says about its being owned, reachable or readable.
 */
export async function createWarehouse({ objects, datasets, index }: WarehouseOptions): Promise<Warehouse> {
  const journal = createJournal(index, objects);
  const branches = createBranches(objects, datasets);
  try {
    await bringUpToDate({ objects, datasets, index }, false);
  } catch (error) {
    await index.close();
    throw error;
  }
  // Calls on one campaign run one after the other, campaigns beside one another; other processes are met at the records.
  const queues = createQueues();

  /** Runs alone on a campaign, with everything recorded for it in the index. `chunks` of results have arrived. */
  const inCampaign = async <T>(campaignId: string, work: (chunks: number) => Promise<T>): Promise<T> => {
    if (!CAMPAIGN_ID_PATTERN.test(campaignId)) {
      throw new TitrateError('usage', {
        what: `'${campaignId}' is not a campaign id`,
        remedy: `Use ${CAMPAIGN_ID_PATTERN.source}`,
      });
    }
    return queues.run(campaignId, async () => work(await journal.catchUp(campaignId)));
  };

  /** Results that stand, on the branch and altogether. */
  async function standing(
    campaignId: string,
    branch: DataBranch | null,
    only: { readonly dates?: boolean; readonly batchId?: string } = {},
  ): Promise<{ counted: StandingResult[]; arrived: StandingResult[] }> {
    const filter = await branches.filterOf(branch);
    const arrived = await index.standingResults(campaignId, only);
    if (!filter) return { counted: arrived, arrived };
    const counted = await index.standingResults(campaignId, { ...only, branch: filter });
    // What arrived between the two questions settles its pick as well.
    const asked = new Set(arrived.map(({ result }) => result.resultId));
    const since = counted.filter(({ result }) => !asked.has(result.resultId));
    return { counted, arrived: [...arrived, ...since] };
  }

  return {
    recordResults: (campaignId, results) =>
      inCampaign(campaignId, async (arrived) => {
        // Rows that are refused as they are need no look-up, and their ids may be such that no query takes them.
        const ids = new Set(
          results.flatMap((row) => (faultOf(row) ? [] : [row.resultId, row.replaces ?? row.resultId])),
        );
        for (let chunks = arrived; ; chunks = await journal.catchUp(campaignId)) {
          const known = await index.knownResults(campaignId, [...ids]);
          const { receipts, accepted } = admitResults(known, results);
          // Another writer's chunk in between may hold one of these rows: then all is decided anew.
          if (accepted.length && !(await journal.appendResults(campaignId, chunks + 1, accepted))) continue;
          return { receipts, total: await index.total(campaignId) };
        }
      }),

    openBatch: (campaignId, batchId, round, picks) =>
      inCampaign(campaignId, () => journal.appendOpening(campaignId, batchId, round, picks)),

    batchProgress: (campaignId, batchId, others) =>
      inCampaign(campaignId, async () => {
        const batches = await index.openedBatches(campaignId, batchId);
        const batch = batches.find((opened) => opened.batchId === batchId);
        if (!batch) {
          throw new TitrateError('not-found', {
            what: `there is no open batch '${batchId}'`,
            where: `campaign '${campaignId}'`,
          });
        }
        const { counted, arrived } = await standing(campaignId, await branches.named(campaignId), {
          batchId,
        });
        const outstanding = outstandingPicks(batches, arrived, counted, others).get(batchId)!;
        return { picks: batch.moleculeIds.length, outstanding: outstanding.length };
      }),

    closeCut: ({ campaignId, round, aside, dataVersion, branch: number, config }) =>
      inCampaign(campaignId, async (chunks) => {
        const branch = await branches.named(campaignId, number);
        const recorded = await readCut(objects, campaignId, round, branch?.number ?? 0, aside);
        if (recorded) return recorded;
        const version = await datasets.version(branch?.dataVersion ?? dataVersion);
        const batches = await index.openedBatches(campaignId);
        const { counted, arrived } = await standing(campaignId, branch, { dates: splitsByTime(config) });
        return recordCut(objects, datasets, {
          ...{ campaignId, round, aside, config, version, branch, batches, arrived },
          results: counted,
          chunks: arrived.reduce((last, { chunk }) => Math.max(last, chunk), chunks),
        });
      }),

    results: (campaignId) => inCampaign(campaignId, () => index.results(campaignId)),
    cuts: (campaignId) => readCuts(objects, campaignId),

    rollbackData: (request) =>
      inCampaign(request.campaignId, async (chunks) => {
        const branch = await branches.move(request, chunks);
        return { branch, results: (await standing(request.campaignId, branch)).counted.length };
      }),
    branch: (campaignId) => branches.named(campaignId),
    branches: (campaignId) => branches.all(campaignId),

    indexDataset: (version) => queues.run(version.id, () => index.applyDataset(version)),

    async close() {
      await queues.close();
      await index.close();
    },
  };
}

/** Throws the index away and makes it anew from objects and records, then closes it. */
export async function rebuildWarehouse(
  options: Pick<WarehouseOptions, 'objects' | 'index'> & {
    readonly datasets: Pick<Datasets, 'version'>;
  },
): Promise<void> {
  try {
    await bringUpToDate(options, true);
  } finally {
    await options.index.close();
  }
}

async function bringUpToDate(
  {
    objects,
    datasets,
    index,
  }: Pick<WarehouseOptions, 'objects' | 'index'> & {
    readonly datasets: Pick<Datasets, 'version'>;
  },
  rebuild: boolean,
): Promise<void> {
  const kept = await index.prepare();
  await createJournal(index, objects).catchUpAll(rebuild);
  if (kept && !rebuild) return;
  for (const key of await objects.listRecords('datasets/')) {
    const id = VERSION_RECORD.exec(key)?.[1];
    if (!id) continue;
    try {
      await index.applyDataset(await datasets.version(id));
    } catch (error) {
      // The rows of a pruned version are gone by intent; its manifest stays, and nothing but a look at old rows needs them.
      if (!(error instanceof TitrateError && error.code === 'artifact-pruned')) throw error;
    }
  }
}
