import { TitrateError } from '../../contracts';
import type { KnownResult } from '../admission';
import type { OpenedBatch } from '../knowledge';
import { standingWithin, type ArrivedResult } from '../supersession';
import type { ResolvedResult } from '../warehouse';
import type { AppliedHead, LogName, WarehouseIndex } from '../warehouse-index';
import { connect, type Connection } from './client';
import { createJobs } from './jobs';
import { checkOptions, type BigQueryIndexOptions } from './options';
import { birthOf, migrate } from './schema';
import { createWrites, DATASET_LOG } from './writes';

export type { BigQueryIndexOptions } from './options';

/** resultIds asked for in one query: of 200 characters each they stay far below the 10 MB that a request may have. */
const IDS_A_QUERY = 5000;

/** Tries of a write whose staging table another process took away. */
const WRITE_ATTEMPTS = 4;

const asResult = (content: string) => JSON.parse(content) as ResolvedResult;

/** The text of the result is read, not the FLOAT64 column: its number is the one that was posted, to the last bit. */
const asArrived = ({ chunk, content }: { chunk: number; content: string }): ArrivedResult => {
  const { resultId, batchId, moleculeId, standardSmiles, inchiKey, outcome, value, qualifier, ...rest } =
    asResult(content);
  const { replaces, measuredAt, property } = rest;
  const known = { resultId, batchId, moleculeId, standardSmiles, inchiKey, outcome, value, qualifier };
  const result = {
    ...known,
    ...(property !== undefined && { property }),
    ...(measuredAt !== undefined && { measuredAt }),
  };
  return { result, chunk, replaces };
};

/**
 * Index in one BigQuery dataset, for any number of processes at once. Nothing is remembered between calls that a decision rests on.
 * A posted chunk costs one load job (free) and two small statements; reading, the columns asked for of one campaign's clusters.
 * @throws TitrateError config-invalid for options that cannot be. What goes wrong at Google comes from the methods: unavailable where
 * it may pass, else config-invalid (access, the cost guard), not-found, internal.
 */
export async function createBigQueryIndex(options: BigQueryIndexOptions): Promise<WarehouseIndex> {
  checkOptions(options);
  const connection = await connect(options);
  const jobs = createJobs(connection);
  const writes = createWrites(connection, jobs);
  const { select, sqlName } = connection;

  /** Resets that `head` has seen: it is asked before every write. */
  let resetsSeen = 0;
  /** Job ids are good within one life of the tables: after a reset, or when they were made anew, the same entry is another job. */
  const generation = async (): Promise<string> => `${await birthOf(connection, 'applied')}/${resetsSeen}`;

  async function resets(): Promise<{ begun: number; done: number }> {
    const [row] = await select<{ begun: number; done: number }>(
      `SELECT COALESCE(MAX(IF(log = 'reset-begun', number, 0)), 0) AS begun,
              COALESCE(MAX(IF(log = 'reset-done', number, 0)), 0) AS done
       FROM ${sqlName('applied')} WHERE campaign_id = ''`,
    );
    return row!;
  }

  const headOf = async (id: string, log: string): Promise<number> => {
    const [row] = await select<{ head: number; begun: number }>(
      `SELECT COALESCE(MAX(IF(campaign_id = @id AND log = @log, number, 0)), 0) AS head,
              COALESCE(MAX(IF(campaign_id = '' AND log = 'reset-begun', number, 0)), 0) AS begun
       FROM ${sqlName('applied')} WHERE campaign_id IN (@id, '')`,
      { id, log },
    );
    resetsSeen = Math.max(resetsSeen, row!.begun);
    return row!.head;
  };

  /** Another process that has just written the same entry takes its staging table away: then its outcome is this one's too. */
  async function writeOnce(
    id: string,
    log: string,
    number: number,
    write: () => Promise<void>,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write();
      } catch (error) {
        const gone = error instanceof TitrateError && error.code === 'not-found';
        if (!gone || attempt === WRITE_ATTEMPTS) throw error;
        if ((await headOf(id, log)) >= number) return;
      }
    }
  }

  return {
    async prepare() {
      const there = await migrate(connection, jobs);
      const { begun, done } = await resets();
      if (begun > done) await writes.reset(begun, await birthOf(connection, 'applied'));
      return there && begun <= done;
    },

    async reset() {
      await writes.reset((await resets()).begun + 1, await birthOf(connection, 'applied'));
    },

    async heads() {
      const rows = await select<{ campaign_id: string; log: LogName; n: number; hash: string }>(
        `SELECT campaign_id, log, MAX(number) AS n, ARRAY_AGG(sha256 ORDER BY number DESC LIMIT 1)[OFFSET(0)] AS hash
         FROM ${sqlName('applied')} WHERE log IN ('results', 'openings') GROUP BY campaign_id, log ORDER BY campaign_id, log`,
      );
      return rows.map((row): AppliedHead => ({
        campaignId: row.campaign_id,
        log: row.log,
        number: row.n,
        sha256: row.hash,
      }));
    },
    head: headOf,

    applyResults: (entry) =>
      writeOnce(entry.campaignId, 'results', entry.number, async () =>
        writes.results(entry, await generation()),
      ),
    applyOpening: (entry) =>
      writeOnce(entry.campaignId, 'openings', entry.number, async () =>
        writes.opening(entry, await generation()),
      ),
    async applyDataset(version) {
      if (await headOf(version.id, DATASET_LOG)) return;
      await writeOnce(version.id, DATASET_LOG, 1, async () =>
        writes.dataset(version, await birthOf(connection, 'applied')),
      );
    },

    async total(campaignId) {
      const sql = `SELECT COUNT(DISTINCT result_id) AS n FROM ${sqlName('measurements')} WHERE campaign_id = @campaign`;
      return (await select<{ n: number }>(sql, { campaign: campaignId }))[0]!.n;
    },

    async knownResults(campaignId, resultIds) {
      const known = new Map<string, KnownResult>();
      for (let at = 0; at < resultIds.length; at += IDS_A_QUERY) {
        const rows = await select<{ result_id: string; content: string; replaced_by: string | null }>(
          `SELECT m.result_id, m.content, r.result_id AS replaced_by
           FROM ${sqlName('measurements')} m
           LEFT JOIN ${sqlName('measurements')} r ON r.campaign_id = m.campaign_id AND r.replaces = m.result_id
           WHERE m.campaign_id = @campaign AND m.result_id IN UNNEST(@ids)`,
          { campaign: campaignId, ids: resultIds.slice(at, at + IDS_A_QUERY) },
        );
        for (const row of rows)
          known.set(row.result_id, { result: asResult(row.content), replacedBy: row.replaced_by });
      }
      return known;
    },

    async standingResults(campaignId, { batchId, branch } = {}) {
      // Which corrections count depends on the branch, so there whole chains are looked at.
      const wanted = `m.molecule_id IN (SELECT molecule_id FROM ${sqlName('picks')} WHERE campaign_id = @campaign AND batch_id = @batch)`;
      const unreplaced = `NOT EXISTS (
        SELECT 1 FROM ${sqlName('measurements')} r WHERE r.campaign_id = m.campaign_id AND r.replaces = m.result_id)`;
      const conditions = branch ? [] : batchId === undefined ? [unreplaced] : [unreplaced, wanted];
      const rows = await select<{ chunk: number; content: string }>(
        `SELECT m.chunk, m.content FROM (${measurementsOf(connection)}) m
         ${conditions.length ? `WHERE ${conditions.join(' AND ')}` : ''} ORDER BY m.chunk, m.position`,
        { campaign: campaignId, ...(batchId === undefined || branch ? {} : { batch: batchId }) },
      );
      const standing = standingWithin(rows.map(asArrived), branch ?? { base: null, afterChunk: 0 });
      if (batchId === undefined || !branch) return standing;
      const picks = await select<{ molecule_id: string }>(
        `SELECT molecule_id FROM ${sqlName('picks')} WHERE campaign_id = @campaign AND batch_id = @batch`,
        { campaign: campaignId, batch: batchId },
      );
      const molecules = new Set(picks.map((row) => row.molecule_id));
      return standing.filter(({ result }) => molecules.has(result.moleculeId));
    },

    async openedBatches(campaignId, batchId) {
      const only =
        batchId === undefined
          ? ''
          : `AND (b.batch_id = @batch OR p.molecule_id IN (
               SELECT molecule_id FROM ${sqlName('picks')} WHERE campaign_id = @campaign AND batch_id = @batch))`;
      const rows = await select<{ batch_id: string; after_chunks: number; molecule_id: string | null }>(
        `SELECT DISTINCT b.batch_id, b.after_chunks, p.molecule_id
         FROM ${sqlName('batches')} b
         LEFT JOIN ${sqlName('picks')} p ON p.campaign_id = b.campaign_id AND p.batch_id = b.batch_id
         WHERE b.campaign_id = @campaign ${only} ORDER BY after_chunks, batch_id, molecule_id`,
        { campaign: campaignId, ...(batchId === undefined ? {} : { batch: batchId }) },
      );
      const batches = new Map<string, OpenedBatch & { readonly moleculeIds: string[] }>();
      for (const { batch_id, after_chunks, molecule_id } of rows) {
        const batch = batches.get(batch_id) ?? {
          batchId: batch_id,
          afterChunks: after_chunks,
          moleculeIds: [],
        };
        batches.set(batch_id, batch);
        if (molecule_id !== null) batch.moleculeIds.push(molecule_id);
      }
      return [...batches.values()];
    },

    async results(campaignId) {
      const rows = await select<{ content: string }>(
        `SELECT content FROM (${measurementsOf(connection)}) ORDER BY chunk, position`,
        { campaign: campaignId },
      );
      return rows.map((row) => asResult(row.content));
    },

    close: () => Promise.resolve(),
  };
}

/** The measurements of @campaign, one row a result, also where something outside of titrate wrote one twice. */
const measurementsOf = ({ sqlName }: Connection) =>
  `SELECT chunk, position, campaign_id, result_id, molecule_id, content FROM ${sqlName('measurements')} WHERE campaign_id = @campaign
   QUALIFY ROW_NUMBER() OVER (PARTITION BY result_id ORDER BY chunk, position) = 1`;
