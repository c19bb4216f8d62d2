import { TitrateError, type Cut, type DataBranch } from '../contracts';
import type { Datasets } from '../datasets';
import { decodeNdjson } from '../foundation';
import { createNumberedLog, type ObjectStore } from '../objects';
import { readCuts } from './cuts';
import type { RollbackDataRequest } from './warehouse';
import type { BranchFilter } from './warehouse-index';

/** What `to` of a rollback means, before it has a number. */
type Move = Pick<DataBranch, 'dataVersion' | 'base' | 'afterChunk'>;

const ROUND = /^round\/([1-9]\d*)$/;
const CUT = /^cut_/;

/**
 * The data branches of campaigns: numbered records `campaigns/<id>/branches/<n>`, the last one in force. Writing the record is the
 * moment the data move.
 */
export function createBranches(objects: ObjectStore, datasets: Pick<Datasets, 'version' | 'resolve'>) {
  // What was read once is kept: entries never change.
  const logs = new Map<string, ReturnType<typeof createNumberedLog<DataBranch>>>();
  const logOf = (campaignId: string) => {
    let log = logs.get(campaignId);
    if (!log)
      logs.set(
        campaignId,
        (log = createNumberedLog<DataBranch>(objects, `campaigns/${campaignId}/branches`)),
      );
    return log;
  };
  const all = async (campaignId: string): Promise<DataBranch[]> =>
    (await logOf(campaignId).entries()).map((entry) => entry.value);

  async function cutNamed(campaignId: string, to: string): Promise<Cut> {
    const round = ROUND.exec(to)?.[1];
    const cuts = await readCuts(objects, campaignId);
    const cut = cuts.filter((known) => (round ? known.round === Number(round) : known.cutId === to)).at(-1);
    if (cut) return cut;
    const rounds = cuts.map((known) => `round/${known.round} (${known.cutId})`).join(', ');
    throw new TitrateError('not-found', {
      what: round ? `round ${round} of the campaign has no cut yet` : `the campaign has no cut '${to}'`,
      where: `campaign '${campaignId}'`,
      remedy: rounds ? `Cuts so far: ${rounds}` : 'No round of the campaign has been cut yet',
    });
  }

  /** @param chunks chunks of results that have arrived; later ones count on the new branch. */
  async function moveTo(
    campaignId: string,
    to: string,
    current: DataBranch | undefined,
    chunks: number,
  ): Promise<Move> {
    if (to === 'latest') {
      // The pool that the campaign began with; before its first round, the one it has.
      const cuts = await readCuts(objects, campaignId);
      const first = cuts.find((cut) => !cut.branch) ?? cuts[0];
      const dataVersion = first?.dataVersion ?? current?.dataVersion;
      if (dataVersion !== undefined) return { dataVersion, base: null, afterChunk: 0 };
      throw new TitrateError('usage', {
        what: 'the data of the campaign were never moved, and no round was cut: every result counts already',
        where: `campaign '${campaignId}'`,
        remedy: 'Name a dataset version to start its first round on another one',
      });
    }
    if (CUT.test(to) || ROUND.test(to)) {
      const cut = await cutNamed(campaignId, to);
      const { id } = await datasets.version(cut.dataVersion);
      return { dataVersion: id, base: cut.resultIds, afterChunk: chunks };
    }
    const { id } = await datasets.resolve(to);
    return { dataVersion: id, base: current?.base ?? null, afterChunk: current?.afterChunk ?? 0 };
  }

  return {
    all,
    /** Branch `number`; null for 0, and for the branch in force of data that were never moved. @throws TitrateError not-found. */
    async named(campaignId: string, number?: number): Promise<DataBranch | null> {
      if (number === 0) return null;
      const branches = await all(campaignId);
      const branch = number === undefined ? branches.at(-1) : branches[number - 1];
      if (branch || number === undefined) return branch ?? null;
      throw new TitrateError('not-found', {
        what: `there is no data branch ${number}`,
        where: `campaign '${campaignId}'`,
        remedy: branches.length ? `Branches: 1 to ${branches.length}` : 'Its data were never moved',
      });
    },

    /**
     * Appends the move of this operation, or finds it.
     * @throws TitrateError usage when the operation has moved the data elsewhere already; not-found.
     */
    async move(request: RollbackDataRequest, chunks: number): Promise<DataBranch> {
      const { campaignId, operationId, to, author, reason } = request;
      let standing: DataBranch | undefined;
      const appended = await logOf(campaignId).append(async (entries) => {
        const branches = entries.map((entry) => entry.value);
        standing = branches.find((branch) => branch.operationId === operationId);
        if (standing) return null;
        const move = await moveTo(campaignId, to, branches.at(-1), chunks);
        const at = new Date().toISOString();
        return { number: entries.length + 1, operationId, to, ...move, author, reason, at };
      });
      const branch = (appended?.value ?? standing)!;
      if (branch.to === to) return branch;
      throw new TitrateError('usage', {
        what: `operation '${operationId}' has moved the data to '${branch.to}' and cannot move them to '${to}' as well`,
        where: `campaign '${campaignId}', data branch ${branch.number}`,
        remedy: 'Give every move an operation id of its own',
      });
    },

    /** The results that count on a branch; null when that is every one. */
    async filterOf(branch: DataBranch | null): Promise<BranchFilter | null> {
      if (!branch?.base) return null;
      return { base: decodeNdjson<string>(await objects.get(branch.base)), afterChunk: branch.afterChunk };
    },
  };
}
export type Branches = ReturnType<typeof createBranches>;
