import { MEDIA_TYPES, TitrateError, type ArtifactRef } from '../contracts';
import { decodeNdjson, encodeNdjson, hashOf } from '../foundation';
import type { ObjectStore } from '../objects';
import { campaignLogHeads, createCampaignLog } from './campaign-log';
import type { OpenedPick, ResolvedResult } from './warehouse';
import type { LogName, WarehouseIndex } from './warehouse-index';

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

/** Heads compared at a time on opening: each is one small read. */
const COMPARED_AT_ONCE = 16;

/**
 * What a campaign's warehouse is made from: records `campaigns/<id>/results/<n>` and `campaigns/<id>/openings/<n>` and the objects
 * they name. Writing the record is the moment a result counts; the index follows, and catches up when a process died in between.
 * How far the index has got is asked of the index every time: other processes write to it as well.
 */
export function createJournal(index: WarehouseIndex, objects: ObjectStore) {
  const resultsOf = (campaignId: string) => createCampaignLog<ResultsChunk>(objects, campaignId, 'results');
  const openingsOf = (campaignId: string) => createCampaignLog<BatchOpening>(objects, campaignId, 'openings');

  async function applyResults(
    campaignId: string,
    number: number,
    value: ResultsChunk,
    known?: readonly ResolvedResult[],
  ): Promise<void> {
    const rows = known ?? decodeNdjson<ResolvedResult>(await objects.get(value.chunk));
    const before = await index.total(campaignId);
    await index.applyResults({ campaignId, number, sha256: hashOf(value), before, rows });
  }

  async function applyOpening(campaignId: string, number: number, value: BatchOpening): Promise<void> {
    const { batchId, round, afterChunks } = value;
    const picks = decodeNdjson<OpenedPick>(await objects.get(value.picks));
    await index.applyOpening({
      campaignId,
      number,
      sha256: hashOf(value),
      batchId,
      round,
      afterChunks,
      picks,
    });
  }

  /** Brings the index up to the records of one campaign. @returns the number of chunks of results that have arrived. */
  async function catchUp(campaignId: string): Promise<number> {
    const [results, openings] = await Promise.all([
      index.head(campaignId, 'results'),
      index.head(campaignId, 'openings'),
    ]);
    let chunks = results;
    for await (const { number, value } of resultsOf(campaignId).after(results)) {
      await applyResults(campaignId, number, value);
      chunks = number;
    }
    for await (const { number, value } of openingsOf(campaignId).after(openings))
      await applyOpening(campaignId, number, value);
    return chunks;
  }

  /** Whether an applied entry is what its record says. */
  async function agrees(head: {
    campaignId: string;
    log: LogName;
    number: number;
    sha256: string;
  }): Promise<boolean> {
    const log = createCampaignLog<unknown>(objects, head.campaignId, head.log);
    const value = await log.read(head.number);
    return value !== null && hashOf(value) === head.sha256;
  }

  return {
    catchUp,

    /**
     * Brings the index up to all records. Of a campaign that is up to date one record a log is read: its head, to see that the index
     * was made from this store. An index that says otherwise (another store's, or the store was set back) is emptied and made anew.
     * @param again everything is applied again, whatever the index says.
     */
    async catchUpAll(again: boolean): Promise<void> {
      if (again) await index.reset();
      let applied = again ? [] : await index.heads();
      for (let at = 0; at < applied.length; at += COMPARED_AT_ONCE) {
        const agreed = await Promise.all(applied.slice(at, at + COMPARED_AT_ONCE).map(agrees));
        if (agreed.every(Boolean)) continue;
        await index.reset();
        applied = [];
      }
      const numbers = new Map(applied.map(({ campaignId, log, number }) => [`${campaignId}/${log}`, number]));
      const behind = (await campaignLogHeads(objects)).filter(
        ({ campaignId, log, number }) => (numbers.get(`${campaignId}/${log}`) ?? 0) < number,
      );
      for (const campaignId of new Set(behind.map((head) => head.campaignId))) await catchUp(campaignId);
    },

    /**
     * Makes accepted results durable as chunk `number`, then indexes them.
     * @returns false when another writer appended first: look again at what is known, and decide anew.
     */
    async appendResults(
      campaignId: string,
      number: number,
      rows: readonly ResolvedResult[],
    ): Promise<boolean> {
      const chunk = await objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson);
      const value: ResultsChunk = { chunk, rows: rows.length };
      if (!(await resultsOf(campaignId).create(number, value))) return false;
      await applyResults(campaignId, number, value, rows);
      return true;
    },

    /** Opens a batch once. @throws TitrateError usage when it stands open with other picks. */
    async appendOpening(
      campaignId: string,
      batchId: string,
      round: number,
      picks: readonly OpenedPick[],
    ): Promise<void> {
      // What the record says must fit the index for ever after.
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
      const log = openingsOf(campaignId);
      // Batches of a campaign are as many as its rounds; all are looked at, so that one that is open is found without the index.
      for (;;) {
        const chunks = await catchUp(campaignId);
        let last = 0;
        for await (const { number, value } of log.after(0)) {
          last = number;
          if (value.batchId !== batchId) continue;
          if (value.picks.sha256 === ref.sha256) return;
          throw new TitrateError('usage', {
            what: 'the batch is open already, with other picks',
            where: `batch '${batchId}'`,
            remedy: 'A batch that is out with the lab is never changed; open another one',
          });
        }
        if (!(await log.create(last + 1, { batchId, round, picks: ref, afterChunks: chunks }))) continue;
        await catchUp(campaignId);
        return;
      }
    },
  };
}
export type Journal = ReturnType<typeof createJournal>;
