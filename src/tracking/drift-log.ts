import {
  TitrateError,
  type DriftRecord,
  type KeptAction,
  type KeptLook,
  type PlannedAction,
} from '../contracts';
import { recordOf } from '../drift';
import { createNumberedLog, type NumberedLog, type ObjectStore } from '../objects';

/**
 * What was looked at for drift and what was done about it, in records that are written once: `campaigns/<id>/drift/looks/<n>`, and of each
 * action `campaigns/<id>/drift/actions/<action>/<n>`, the last one in force. An action is planned by the record of its look: from then
 * on it is there, whoever is killed.
 */
export interface DriftLog {
  /** Oldest first. */
  looks(campaignId: string): Promise<readonly KeptLook[]>;
  /**
   * Keeps a look as the one after `seen` others: what was planned on it was planned in view of those.
   * @returns `known`: one of that id is kept already, for a window is looked at once; `overtaken`: others were kept meanwhile
   */
  keepLook(campaignId: string, look: KeptLook, seen: number): Promise<'kept' | 'known' | 'overtaken'>;
  /** Every action that was planned, in the order of the looks. */
  actions(campaignId: string): Promise<KeptAction[]>;
  /**
   * Appends what `next` makes of how an action stands; null leaves it.
   * @throws not-found for an action that was never planned, naming those that wait
   */
  change(
    campaignId: string,
    action: string,
    next: (kept: KeptAction) => KeptAction | null,
  ): Promise<KeptAction>;
  read(campaignId: string): Promise<DriftRecord>;
}

const asPlanned = (planned: PlannedAction): KeptAction => ({
  record: recordOf(planned, 'waiting', null),
  note: planned.approval === 'manual' ? 'waits for somebody to approve it' : 'planned',
  approved: planned.approval === 'automatic',
  ...{ decided: null, model: null, replaced: null, controls: [], found: null, judgedBy: [] },
});

export function createDriftLog(objects: ObjectStore): DriftLog {
  const lookLogs = new Map<string, NumberedLog<KeptLook>>();
  const actionLogs = new Map<string, NumberedLog<KeptAction>>();
  const kept = <T>(logs: Map<string, NumberedLog<T>>, prefix: string): NumberedLog<T> => {
    let log = logs.get(prefix);
    if (!log) logs.set(prefix, (log = createNumberedLog<T>(objects, prefix)));
    return log;
  };
  const looksOf = (campaignId: string) => kept(lookLogs, `campaigns/${campaignId}/drift/looks`);
  const actionOf = (campaignId: string, action: string) =>
    kept(actionLogs, `campaigns/${campaignId}/drift/actions/${action}`);

  const looks = async (campaignId: string) => (await looksOf(campaignId).entries()).map(({ value }) => value);
  const planned = async (campaignId: string) => (await looks(campaignId)).flatMap((look) => look.planned);
  const standing = async (campaignId: string, action: PlannedAction): Promise<KeptAction> =>
    (await actionOf(campaignId, action.id).entries()).at(-1)?.value ?? asPlanned(action);
  const actions = async (campaignId: string) =>
    Promise.all((await planned(campaignId)).map((action) => standing(campaignId, action)));

  return {
    looks,
    actions,
    async keepLook(campaignId, look, seen) {
      const isSame = ({ value }: { value: KeptLook }) => value.record.id === look.record.id;
      let isKnown = false;
      const appended = await looksOf(campaignId).append((entries) => {
        isKnown = entries.some(isSame);
        return isKnown || entries.length !== seen ? null : look;
      });
      return appended ? 'kept' : isKnown ? 'known' : 'overtaken';
    },
    async change(campaignId, action, next) {
      const plan = (await planned(campaignId)).find(({ id }) => id === action);
      if (!plan) {
        const waiting = (await actions(campaignId)).filter(({ record }) => record.state === 'waiting');
        throw new TitrateError('not-found', {
          what: `no action '${action}' was planned`,
          where: `drift of campaign '${campaignId}'`,
          remedy: waiting.length
            ? `Waiting: ${waiting.map(({ record }) => record.id).join(', ')}`
            : 'None waits: see titrate drift status',
        });
      }
      let now = asPlanned(plan);
      const appended = await actionOf(campaignId, action).append((entries) => {
        now = entries.at(-1)?.value ?? asPlanned(plan);
        return next(now);
      });
      return appended?.value ?? now;
    },
    async read(campaignId) {
      return { looks: await looks(campaignId), actions: await actions(campaignId) };
    },
  };
}
