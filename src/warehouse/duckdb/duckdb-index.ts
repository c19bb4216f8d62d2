import { sqlText } from '../../foundation';
import type { ObjectStore } from '../../objects';
import type { KnownResult } from '../admission';
import type { OpenedBatch } from '../knowledge';
import { standingWithin, type ArrivedResult } from '../supersession';
import type { ResolvedResult } from '../warehouse';
import type { AppliedHead, LogName, WarehouseIndex } from '../warehouse-index';
import { openDatabase, type Row } from './database';

export interface DuckDbIndexOptions {
  /** The DuckDB file; its folder is made where it is missing. */
  readonly path: string;
  /** Where the rows of dataset versions lie: they are read in place, as Parquet. */
  readonly objects: Pick<ObjectStore, 'localPath'>;
}

const asResult = (row: Row) => JSON.parse(row.content as string) as ResolvedResult;
const given = <T>(value: unknown) => (value ?? undefined) as T | undefined;

const asArrived = (row: Row): ArrivedResult => ({
  result: {
    resultId: row.result_id as string,
    batchId: given<string>(row.batch_id),
    moleculeId: row.molecule_id as string,
    standardSmiles: row.standard_smiles as string,
    inchiKey: given<string>(row.inchi_key),
    property: given<string>(row.property),
    outcome: row.outcome as ResolvedResult['outcome'],
    value: given<number>(row.value),
    qualifier: row.qualifier as ResolvedResult['qualifier'],
    ...(typeof row.content === 'string' && { measuredAt: asResult(row).measuredAt }),
  },
  chunk: row.chunk as number,
  replaces: given<string>(row.replaces),
});

const COLUMNS =
  'm.result_id, m.batch_id, m.molecule_id, m.standard_smiles, m.inchi_key, m.outcome, m.value, m.qualifier, m.chunk, m.replaces, m.property';
const OF_BATCH = 'm.molecule_id IN (SELECT molecule_id FROM picks WHERE campaign_id = $1 AND batch_id = $2)';

/**
 * Index in one DuckDB file, owned by one process. A file that is missing, damaged or of another schema is made anew by `prepare`.
 * Views: `standing_measurements`; and one a dataset version, named by its id.
 * @throws TitrateError conflict while another process (or another part of this one) holds the file, naming it; unavailable.
 */
export async function createDuckDbIndex({ path, objects }: DuckDbIndexOptions): Promise<WarehouseIndex> {
  const database = await openDatabase(path);
  const { exclusive, query } = database;

  const headOf = async (campaignId: string, log: LogName): Promise<number> => {
    const sql = 'SELECT max(number) AS n FROM applied WHERE campaign_id = $1 AND log = $2';
    const [row] = await query(sql, [campaignId, log]);
    return (row!.n ?? 0) as number;
  };

  /** Writes an entry whole, or finds that it is there. */
  const applyOnce = (
    entry: { readonly campaignId: string; readonly number: number; readonly sha256: string },
    log: LogName,
    write: () => Promise<void>,
  ) =>
    exclusive(() =>
      database.transaction(async () => {
        const { campaignId, number, sha256 } = entry;
        if ((await headOf(campaignId, log)) >= number) return;
        await write();
        await database.append('applied', [[campaignId, log, number, sha256]]);
      }),
    );

  return {
    prepare: () =>
      exclusive(async () => {
        if (await database.isCurrent()) return true;
        await database.reset();
        return false;
      }),
    reset: () => exclusive(() => database.reset()),

    heads: () =>
      exclusive(async () => {
        const rows = await query(
          'SELECT campaign_id, log, max(number) AS n, arg_max(sha256, number) AS hash FROM applied GROUP BY ALL ORDER BY ALL',
        );
        return rows.map((row): AppliedHead => ({
          campaignId: row.campaign_id as string,
          log: row.log as LogName,
          number: row.n as number,
          sha256: row.hash as string,
        }));
      }),
    head: (campaignId, log) => exclusive(() => headOf(campaignId, log)),

    applyResults: (entry) =>
      applyOnce(entry, 'results', () =>
        database.append(
          'measurements',
          entry.rows.map((r, i) => [
            ...[entry.campaignId, r.resultId, entry.before + i + 1, entry.number, r.moleculeId],
            ...[r.standardSmiles, r.inchiKey ?? null, r.outcome, r.value ?? null, r.qualifier],
            ...[r.batchId ?? null, r.replaces ?? null, r.property ?? null, JSON.stringify(r)],
          ]),
        ),
      ),

    applyOpening: (entry) =>
      applyOnce(entry, 'openings', async () => {
        const { campaignId, batchId, round, afterChunks, picks } = entry;
        await database.append('batches', [[campaignId, batchId, round, afterChunks]]);
        await database.append(
          'picks',
          picks.map((pick) => [campaignId, batchId, pick.moleculeId, pick.smiles]),
        );
      }),

    async applyDataset(version) {
      // The Parquet file is named by its hash and never changes: a view on it is as good as a copy, and takes no room.
      const file = await objects.localPath(version.rows);
      await exclusive(() =>
        query(`CREATE OR REPLACE VIEW "${version.id}" AS SELECT * FROM read_parquet(${sqlText(file)})`),
      );
    },

    total: (campaignId) =>
      exclusive(async () => {
        const sql = 'SELECT count(*) AS n FROM measurements WHERE campaign_id = $1';
        return Number((await query(sql, [campaignId]))[0]!.n);
      }),

    knownResults: (campaignId, resultIds) =>
      exclusive(async () => {
        const rows = await database.queryWithList(
          `SELECT m.result_id, m.content, r.result_id AS replaced_by
           FROM measurements m LEFT JOIN measurements r ON r.campaign_id = m.campaign_id AND r.replaces = m.result_id
           WHERE m.campaign_id = $2 AND m.result_id IN (SELECT unnest($1))`,
          resultIds,
          [campaignId],
        );
        return new Map(
          rows.map((row): [string, KnownResult] => [
            row.result_id as string,
            { result: asResult(row), replacedBy: row.replaced_by as string | null },
          ]),
        );
      }),

    standingResults: (campaignId, { batchId, branch, dates = false } = {}) =>
      exclusive(async () => {
        // Which corrections count depends on the branch, so there whole chains are looked at.
        const from = branch ? 'measurements' : 'standing_measurements';
        const rows = await query(
          `SELECT ${COLUMNS}${dates ? ', m.content' : ''} FROM ${from} m WHERE m.campaign_id = $1 ${batchId === undefined || branch ? '' : `AND ${OF_BATCH}`}
           ORDER BY m.position`,
          batchId === undefined || branch ? [campaignId] : [campaignId, batchId],
        );
        const standing = standingWithin(rows.map(asArrived), branch ?? { base: null, afterChunk: 0 });
        if (batchId === undefined || !branch) return standing;
        const picks = await query('SELECT molecule_id FROM picks WHERE campaign_id = $1 AND batch_id = $2', [
          campaignId,
          batchId,
        ]);
        const wanted = new Set(picks.map((row) => row.molecule_id));
        return standing.filter(({ result }) => wanted.has(result.moleculeId));
      }),

    openedBatches: (campaignId, batchId) =>
      exclusive(async () => {
        const only =
          batchId === undefined
            ? ''
            : 'AND (b.batch_id = $2 OR p.molecule_id IN (SELECT molecule_id FROM picks WHERE campaign_id = $1 AND batch_id = $2))';
        const rows = await query(
          `SELECT b.batch_id, b.after_chunks,
                  list(DISTINCT p.molecule_id ORDER BY p.molecule_id) FILTER (WHERE p.molecule_id IS NOT NULL) AS molecules
           FROM batches b LEFT JOIN picks p ON p.campaign_id = b.campaign_id AND p.batch_id = b.batch_id
           WHERE b.campaign_id = $1 ${only} GROUP BY ALL ORDER BY b.after_chunks, b.batch_id`,
          batchId === undefined ? [campaignId] : [campaignId, batchId],
        );
        return rows.map((row): OpenedBatch => ({
          batchId: row.batch_id as string,
          afterChunks: row.after_chunks as number,
          moleculeIds: (row.molecules as { items: string[] } | null)?.items ?? [],
        }));
      }),

    results: (campaignId) =>
      exclusive(async () => {
        const sql = 'SELECT content FROM measurements WHERE campaign_id = $1 ORDER BY position';
        return (await query(sql, [campaignId])).map(asResult);
      }),

    close: () => database.close(),
  };
}
