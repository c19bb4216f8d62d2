import type { DriftAction, DriftActionRecord, DriftCause, DriftVerdict } from '../../contracts';

/** What has to be known of an action that was taken before. */
export type TakenAction = Pick<
  DriftActionRecord,
  'at' | 'action' | 'cause' | 'subject' | 'rung' | 'evidence' | 'state' | 'effect'
>;

/** What an answer is to. */
export interface Case {
  readonly cause: DriftCause | null;
  readonly subject: string | null;
  readonly verdict: DriftVerdict;
}

export const isTold = (action: DriftAction): boolean => action === 'tell';
/** What brings nothing back by itself is not asked whether it helped. */
export const isJudged = (action: DriftAction): boolean => action !== 'tell' && action !== 'pause';

/** Causes of which each subject is a case of its own: what was done about one plate says nothing about the next. */
const BY_SUBJECT: readonly (DriftCause | null)[] = ['plate-offset', 'lab-offset'];

const isOfCase = (of: Case, taken: TakenAction): boolean =>
  taken.evidence.verdict === of.verdict &&
  taken.cause === of.cause &&
  (!BY_SUBJECT.includes(of.cause) || taken.subject === of.subject);

/** Whether what was taken turned out to be in vain; what was declined was never tried. */
const wasInVain = ({ state, effect }: TakenAction): boolean =>
  state === 'failed' || effect === 'no-change' || effect === 'worse';

/**
 * Which step of its rule a case has come to: one further than the last that was in vain, from the beginning again after one that helped.
 * What is planned at one look is one attempt: it is in vain when all of it was. A later step that only pauses or tells is one on the way to the
 * next: that the drift goes on is all there is to be known of it.
 */
export function rungReached(of: Case, history: readonly TakenAction[]): number {
  const attempts = new Map<string, TakenAction[]>();
  for (const taken of history) {
    if (!isOfCase(of, taken) || taken.state === 'declined') continue;
    const attempt = attempts.get(taken.evidence.look);
    if (attempt) attempt.push(taken);
    else attempts.set(taken.evidence.look, [taken]);
  }
  const inOrder = [...attempts.values()].sort((a, b) => Date.parse(a[0]!.at) - Date.parse(b[0]!.at));
  let reached = 0;
  for (const attempt of inOrder) {
    const judged = attempt.filter(({ action }) => isJudged(action));
    const { rung } = attempt[0]!;
    if (judged.some(({ effect }) => effect === 'helped')) reached = 0;
    else if (judged.length > 0 ? judged.every(wasInVain) : rung > 0) reached = Math.max(reached, rung + 1);
  }
  return reached;
}
