import { CAMPAIGN_ID_PATTERN, TitrateError } from '../contracts';
import type { ObjectStore } from '../objects';
import { admitResults, type KnownResult } from './admission';
import { readCut, recordCut } from './cuts';
import { openDatabase, type Database, type Row } from './database';
import { createDatasets } from './datasets';
import { createJournal } from './journal';
import { outstandingPicks, type OpenedBatch, type StandingResult } from './knowledge';
import type { ResolvedResult, Warehouse } from './warehouse';

export interface DuckDbWarehouseOptions {
  /** The DuckDB file; its folder is made where it is missing. */
  readonly path: string;
  readonly objects: ObjectStore;
}

const asResult = (row: Row) => JSON.parse(row.content as string) as ResolvedResult;

const asStanding = (row: Row): StandingResult => ({
  result: {
    resultId: row.result_id as string,
    batchId: (row.batch_id ?? undefined) as string | undefined,
    moleculeId: row.molecule_id as string,
    standardSmiles: row.standard_smiles as string,
    outcome: row.outcome as ResolvedResult['outcome'],
    value: (row.value ?? undefined) as number | undefined,
    qualifier: row.qualifier as ResolvedResult['qualifier'],
  },
  chunk: row.chunk as number,
});

/** Results of campaign $1 that no other result replaces. */
const STANDING = `
  SELECT m.result_id, m.batch_id, m.molecule_id, json_extract_string(m.content, '$.standardSmiles') AS standard_smiles,
         m.outcome, m.value, m.qualifier, m.chunk
  FROM measurements m
  WHERE m.campaign_id = $1
    AND NOT EXISTS (SELECT 1 FROM measurements r WHERE r.campaign_id = m.campaign_id AND r.replaces = m.result_id)`;

/**
 * Warehouse on DuckDB, an index over objects and records.
 *
 * Order of a write: the rows as an object, then the numbered record that names it (the moment they count), then the database. Killed
 * before the record, nothing has happened; killed after it, the next opening finds the record and indexes it, and a retry of the
 * call is told that its rows are duplicates. A missing, damaged, foreign or older database file is made anew on opening.
 *
 * @throws TitrateError conflict while another process (or another part of this one) holds the file, naming it.
 */
export async function createDuckDbWarehouse({ path, objects }: DuckDbWarehouseOptions): Promise<Warehouse> {
  const database = await openDatabase(path);
  try {
    return await openWarehouse(database, objects, false);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Throws the index away and makes it anew from objects and records. @throws TitrateError conflict while the file is open. */
export async function rebuildWarehouse({ path, objects }: DuckDbWarehouseOptions): Promise<void> {
  const database = await openDatabase(path);
  try {
    await openWarehouse(database, objects, true);
  } finally {
    await database.close();
  }
}

async function openWarehouse(database: Database, objects: ObjectStore, rebuild: boolean): Promise<Warehouse> {
  const datasets = createDatasets(database, objects);
  const journal = createJournal(database, objects);
  await database.exclusive(async () => {
    if (rebuild || !(await database.isCurrent()) || !(await journal.isConsistent())) await database.reset();
    await journal.catchUpAll();
  });

  /** Runs on the database alone, with everything recorded for the campaign in it. */
  const inCampaign = <T>(campaignId: string, work: () => Promise<T>): Promise<T> => {
    if (!CAMPAIGN_ID_PATTERN.test(campaignId)) {
      throw new TitrateError('usage', {
        what: `'${campaignId}' is not a campaign id`,
        remedy: `Use ${CAMPAIGN_ID_PATTERN.source}`,
      });
    }
    return database.exclusive(async () => {
      await journal.catchUp(campaignId);
      return work();
    });
  };

  async function knownResults(
    campaignId: string,
    results: readonly ResolvedResult[],
  ): Promise<Map<string, KnownResult>> {
    const ids = [
      ...new Set(
        results.flatMap((r) => (r.replaces === undefined ? [r.resultId] : [r.resultId, r.replaces])),
      ),
    ];
    const rows = await database.queryWithList(
      `SELECT m.result_id, m.content, r.result_id AS replaced_by
       FROM measurements m LEFT JOIN measurements r ON r.campaign_id = m.campaign_id AND r.replaces = m.result_id
       WHERE m.campaign_id = $2 AND m.result_id IN (SELECT unnest($1))`,
      ids,
      [campaignId],
    );
    return new Map(
      rows.map((row) => [
        row.result_id as string,
        { result: asResult(row), replacedBy: row.replaced_by as string | null },
      ]),
    );
  }

  /** Opened batches with their picks: all of a campaign's, or those that hold a molecule of `batchId`. */
  async function openedBatches(campaignId: string, batchId?: string): Promise<OpenedBatch[]> {
    const only =
      batchId === undefined
        ? ''
        : 'AND (b.batch_id = $2 OR p.molecule_id IN (SELECT molecule_id FROM picks WHERE campaign_id = $1 AND batch_id = $2))';
    const rows = await database.query(
      `SELECT b.batch_id, b.after_chunks,
              list(DISTINCT p.molecule_id ORDER BY p.molecule_id) FILTER (WHERE p.molecule_id IS NOT NULL) AS molecules
       FROM batches b LEFT JOIN picks p ON p.campaign_id = b.campaign_id AND p.batch_id = b.batch_id
       WHERE b.campaign_id = $1 ${only} GROUP BY ALL ORDER BY b.after_chunks, b.batch_id`,
      batchId === undefined ? [campaignId] : [campaignId, batchId],
    );
    return rows.map((row) => ({
      batchId: row.batch_id as string,
      afterChunks: row.after_chunks as number,
      moleculeIds: (row.molecules as { items: string[] } | null)?.items ?? [],
    }));
  }

  return {
    commitDataset: (request) => database.exclusive(() => datasets.commit(request)),
    datasetVersion: (id) => database.exclusive(() => datasets.get(id)),
    readRows: (version) => database.exclusive(() => datasets.readRows(version)),
    readQuarantine: (version) => database.exclusive(() => datasets.readQuarantine(version)),

    recordResults: async (campaignId, results) =>
      inCampaign(campaignId, async () => {
        for (;;) {
          const { receipts, accepted } = admitResults(await knownResults(campaignId, results), results);
          if (accepted.length && !(await journal.appendResults(campaignId, accepted))) {
            await journal.catchUp(campaignId);
            continue;
          }
          return { receipts, total: await journal.total(campaignId) };
        }
      }),

    openBatch: async (campaignId, batchId, round, picks) =>
      inCampaign(campaignId, () => journal.appendOpening(campaignId, batchId, round, picks)),

    batchProgress: async (campaignId, batchId) =>
      inCampaign(campaignId, async () => {
        const batches = await openedBatches(campaignId, batchId);
        const batch = batches.find((opened) => opened.batchId === batchId);
        if (!batch) {
          throw new TitrateError('not-found', {
            what: `there is no open batch '${batchId}'`,
            where: `campaign '${campaignId}'`,
          });
        }
        const results = await database.query(
          `${STANDING} AND m.molecule_id IN (SELECT molecule_id FROM picks WHERE campaign_id = $1 AND batch_id = $2)`,
          [campaignId, batchId],
        );
        const outstanding = outstandingPicks(batches, results.map(asStanding)).get(batchId)!;
        return { picks: batch.moleculeIds.length, outstanding: outstanding.length };
      }),

    closeCut: async ({ campaignId, round, dataVersion, config }) =>
      inCampaign(campaignId, async () => {
        const recorded = await readCut(objects, campaignId, round);
        if (recorded) return recorded;
        const version = await datasets.get(dataVersion);
        const results = (await database.query(STANDING, [campaignId])).map(asStanding);
        const batches = await openedBatches(campaignId);
        return recordCut(objects, datasets, { campaignId, round, config, version, results, batches });
      }),

    results: async (campaignId) =>
      inCampaign(campaignId, async () => {
        const rows = await database.query(
          'SELECT content FROM measurements WHERE campaign_id = $1 ORDER BY position',
          [campaignId],
        );
        return rows.map(asResult);
      }),

    findMolecules: (dataVersion, moleculeIds) =>
      database.exclusive(async () => datasets.findMolecules(await datasets.get(dataVersion), moleculeIds)),

    close: () => database.close(),
  };
}
