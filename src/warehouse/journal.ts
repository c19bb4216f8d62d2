import { MEDIA_TYPES, TitrateError, type ArtifactRef } from '../contracts';
import { decodeNdjson, encodeNdjson, hashOf } from '../foundation';
import { createNumberedLog, type NumberedEntry, type NumberedLog, type ObjectStore } from '../objects';
import type { Database } from './database';
import type { ResolvedResult } from './warehouse';

/** One acknowledged intake: NDJSON of ResolvedResult. Chunks are numbered in the order of arrival. */
export interface ResultsChunk {
  readonly chunk: ArtifactRef;
  readonly rows: number;
}

/** A batch that went out: NDJSON of its picks, and how many chunks of results had arrived by then. */
export interface BatchOpening {
  readonly batchId: string;
  readonly round: number;
  readonly picks: ArtifactRef;
  readonly afterChunks: number;
}

export interface JournalPick {
  readonly moleculeId: string;
  readonly smiles: string;
}

type LogName = 'results' | 'openings';
const RECORD = /^campaigns\/([^/]+)\/(?:results|openings)\/\d{12}$/;

/**
 * What a campaign's warehouse is made from: records `campaigns/<id>/results/<n>` and `campaigns/<id>/openings/<n>` and the
 * objects they name. Writing the record is the moment a result counts; the database follows, and catches up when a process died
 * in between. Callers hold the database exclusively.
 */
export function createJournal(database: Database, objects: ObjectStore) {
  const results = new Map<string, NumberedLog<ResultsChunk>>();
  const openings = new Map<string, NumberedLog<BatchOpening>>();
  const logOf = <T>(logs: Map<string, NumberedLog<T>>, name: LogName, campaignId: string): NumberedLog<T> => {
    let log = logs.get(campaignId);
    if (!log) logs.set(campaignId, (log = createNumberedLog<T>(objects, `campaigns/${campaignId}/${name}`)));
    return log;
  };
  const resultsOf = (campaignId: string) => logOf(results, 'results', campaignId);
  const openingsOf = (campaignId: string) => logOf(openings, 'openings', campaignId);

  /** How far the database has got with a log. This process alone writes it, so it is asked once. */
  const applied = new Map<string, number>();
  const totals = new Map<string, number>();

  async function lastApplied(campaignId: string, log: LogName): Promise<number> {
    const known = applied.get(`${campaignId}/${log}`);
    if (known !== undefined) return known;
    const [row] = await database.query(
      'SELECT max(number) AS n FROM applied WHERE campaign_id = $1 AND log = $2',
      [campaignId, log],
    );
    return remember(campaignId, log, (row!.n ?? 0) as number);
  }
  const remember = (campaignId: string, log: LogName, number: number) => {
    applied.set(`${campaignId}/${log}`, number);
    return number;
  };

  /** After a failed transaction, whose commit may or may not have happened, the database is asked again. */
  const forget = (campaignId: string) => {
    totals.delete(campaignId);
    for (const log of ['results', 'openings']) applied.delete(`${campaignId}/${log}`);
  };

  /** Result rows of a campaign in the database. */
  async function total(campaignId: string): Promise<number> {
    let count = totals.get(campaignId);
    if (count === undefined) {
      const [row] = await database.query('SELECT count(*) AS n FROM measurements WHERE campaign_id = $1', [
        campaignId,
      ]);
      totals.set(campaignId, (count = Number(row!.n)));
    }
    return count;
  }

  async function applyResults(
    campaignId: string,
    { number, value }: NumberedEntry<ResultsChunk>,
    known?: readonly ResolvedResult[],
  ) {
    const rows = known ?? decodeNdjson<ResolvedResult>(await objects.get(value.chunk));
    const before = await total(campaignId);
    await database.transaction(async () => {
      await database.append(
        'measurements',
        rows.map((r, i) => [
          ...[campaignId, r.resultId, before + i + 1, number, r.moleculeId, r.outcome, r.value ?? null],
          ...[r.qualifier, r.batchId ?? null, r.replaces ?? null, JSON.stringify(r)],
        ]),
      );
      await database.append('applied', [[campaignId, 'results', number, hashOf(value)]]);
    });
    totals.set(campaignId, before + rows.length);
    remember(campaignId, 'results', number);
  }

  async function applyOpening(campaignId: string, { number, value }: NumberedEntry<BatchOpening>) {
    const picks = decodeNdjson<JournalPick>(await objects.get(value.picks));
    await database.transaction(async () => {
      await database.append('batches', [[campaignId, value.batchId, value.round, value.afterChunks]]);
      await database.append(
        'picks',
        picks.map((pick) => [campaignId, value.batchId, pick.moleculeId, pick.smiles]),
      );
      await database.append('applied', [[campaignId, 'openings', number, hashOf(value)]]);
    });
    remember(campaignId, 'openings', number);
  }

  /** Brings the database up to the records of one campaign. */
  async function catchUp(campaignId: string): Promise<void> {
    try {
      await applyMissing(campaignId);
    } catch (error) {
      forget(campaignId);
      throw error;
    }
  }

  async function applyMissing(campaignId: string): Promise<void> {
    const chunkNumber = await lastApplied(campaignId, 'results');
    for (const entry of (await resultsOf(campaignId).entries()).slice(chunkNumber))
      await applyResults(campaignId, entry);
    const openingNumber = await lastApplied(campaignId, 'openings');
    for (const entry of (await openingsOf(campaignId).entries()).slice(openingNumber))
      await applyOpening(campaignId, entry);
  }

  /** Whether the database holds nothing but what the records say: false when it is another store's, or the store was set back. */
  async function isConsistent(): Promise<boolean> {
    const heads = await database.query(
      'SELECT campaign_id, log, max(number) AS n, arg_max(sha256, number) AS hash FROM applied GROUP BY ALL',
    );
    for (const head of heads) {
      const campaignId = head.campaign_id as string;
      const log = head.log === 'results' ? resultsOf(campaignId) : openingsOf(campaignId);
      const entries: readonly NumberedEntry<unknown>[] = await log.entries();
      const last = entries[(head.n as number) - 1];
      if (!last || hashOf(last.value) !== head.hash) return false;
    }
    return true;
  }

  return {
    catchUp,
    isConsistent,
    total,
    async catchUpAll(): Promise<void> {
      const keys = await objects.listRecords('campaigns/');
      const campaigns = new Set(keys.flatMap((key) => RECORD.exec(key)?.[1] ?? []));
      for (const campaignId of campaigns) await catchUp(campaignId);
    },

    /**
     * Makes accepted results durable, then indexes them.
     * @returns false when another writer appended first: look again at what is known, and decide anew.
     */
    async appendResults(campaignId: string, rows: readonly ResolvedResult[]): Promise<boolean> {
      const expected = await lastApplied(campaignId, 'results');
      const chunk = await objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
      const entry = await resultsOf(campaignId).append((entries) =>
        entries.length === expected ? { chunk, rows: rows.length } : null,
      );
      if (!entry) return false;
      try {
        await applyResults(campaignId, entry, rows);
      } catch (error) {
        forget(campaignId);
        throw error;
      }
      return true;
    },

    /** Opens a batch once. @throws TitrateError usage when it stands open with other picks. */
    async appendOpening(
      campaignId: string,
      batchId: string,
      round: number,
      picks: readonly JournalPick[],
    ): Promise<void> {
      // What the record says must fit the database for ever after.
      const bad = picks.find(
        (pick) => typeof pick.moleculeId !== 'string' || typeof pick.smiles !== 'string',
      );
      if (bad || !batchId || !Number.isSafeInteger(round)) {
        throw new TitrateError('usage', {
          what: bad
            ? 'a pick has no moleculeId or no smiles'
            : 'a batch needs an id and a whole round number',
          where: `batch '${batchId}', round ${round}`,
        });
      }
      const rows = picks.map(({ moleculeId, smiles }) => ({ moleculeId, smiles }));
      const ref = await objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
      const afterChunks = (await resultsOf(campaignId).entries()).length;
      let standing: BatchOpening | undefined;
      const entry = await openingsOf(campaignId).append((entries) => {
        standing = entries.find(({ value }) => value.batchId === batchId)?.value;
        return standing ? null : { batchId, round, picks: ref, afterChunks };
      });
      await catchUp(campaignId);
      if (!entry && standing!.picks.sha256 !== ref.sha256) {
        throw new TitrateError('usage', {
          what: 'the batch is open already, with other picks',
          where: `batch '${batchId}'`,
          remedy: 'A batch that is out with the lab is never changed; open another one',
        });
      }
    },
  };
}
export type Journal = ReturnType<typeof createJournal>;
