import { TitrateError, type BatchSheet, type KeptAction, type KeptLook } from '../contracts';
import type { Doubt } from '../drift';
import type { ObjectStore } from '../objects';
import type { CampaignLog } from './campaign-log';
import type { DriftLog } from './drift-log';

/** An action with the look that it rests on, and what that look puts in doubt. */
export interface DoubtOnRecord {
  readonly action: KeptAction;
  readonly look: KeptLook;
  readonly doubt: Doubt;
}

/** @throws not-found for an action that was never planned */
export async function readDoubt(
  {
    objects,
    log,
    driftLog,
  }: { readonly objects: ObjectStore; readonly log: CampaignLog; readonly driftLog: DriftLog },
  campaignId: string,
  id: string,
): Promise<DoubtOnRecord> {
  const action = (await driftLog.actions(campaignId)).find(({ record }) => record.id === id);
  const look = (await driftLog.looks(campaignId)).find(
    ({ record }) => record.id === action?.record.evidence.look,
  );
  if (!action || !look)
    throw new TitrateError('not-found', {
      what: `no action '${id}' was planned`,
      where: `drift of campaign '${campaignId}'`,
      remedy: `Those there are: titrate drift status ${campaignId}`,
    });
  const { cause, subject } = action.record;
  return { action, look, doubt: { cause, subject, batch: await batchOf(look) } };

  async function batchOf({ place }: KeptLook): Promise<BatchSheet | null> {
    if (!('round' in place)) return null;
    const { rounds } = await log.rounds(campaignId);
    const sheet = rounds.find(({ summary }) => summary.round === place.round)?.sheet;
    return sheet ? (JSON.parse((await objects.get(sheet)).toString('utf8')) as BatchSheet) : null;
  }
}
