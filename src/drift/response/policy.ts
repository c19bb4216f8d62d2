import { msToNumber } from '@temporalio/common/lib/time';
import {
  DRIFT_DETECTORS,
  type DriftAction,
  type DriftActionEvidence,
  type DriftCause,
  type DriftLook,
  type DriftLookRecord,
  type DriftPolicy,
  type DriftRule,
  type PlannedAction,
} from '../../contracts';
import { rulesOf } from './defaults';
import { isTold, rungReached, type Case, type TakenAction } from './escalation';

/** Of a creep, what creeps: that is what can be done something about. */
const causeOf = ({ diagnosis }: DriftLook): DriftCause | null => diagnosis?.of ?? diagnosis?.cause ?? null;

/** The findings that have the look's verdict, in one order whatever theirs is. */
const findingsOf = ({ verdict, findings }: DriftLook): DriftActionEvidence['findings'] =>
  findings
    .filter((finding) => finding.verdict === verdict)
    .map(({ name, effectSize, p, rows, sentence }) => ({ name, effectSize, p, rows, sentence }))
    .sort((a, b) => DRIFT_DETECTORS.indexOf(a.name) - DRIFT_DETECTORS.indexOf(b.name));

function fits({ when }: DriftRule, look: DriftLook): boolean {
  if (when.verdict !== look.verdict) return false;
  const causes = [look.diagnosis?.cause, look.diagnosis?.of];
  return (
    (!when.causes || when.causes.some((cause) => causes.includes(cause))) &&
    (!when.detectors || findingsOf(look).some(({ name }) => when.detectors!.includes(name)))
  );
}

/** What counts as the same again, for its cooldown: somebody is told of each cause and step, and each plate has its own controls. */
function isSame(action: DriftAction, rung: number, of: Case, taken: TakenAction): boolean {
  if (taken.action !== action) return false;
  if (isTold(action))
    return taken.cause === of.cause && taken.rung === rung && taken.evidence.verdict === of.verdict;
  return action !== 'control-plate' || taken.subject === of.subject;
}

/** What counts against its limit. */
const isCounted = (action: DriftAction, rung: number, of: Case, taken: TakenAction): boolean =>
  isTold(action) ? isSame(action, rung, of, taken) : taken.action === action;

const WORDS: Readonly<Record<DriftAction, string>> = {
  retrain: 'Train the model anew',
  're-explore': "Search the model's settings anew",
  'widen-pool': 'Widen the pool to what is asked for',
  'control-plate': 'Measure controls',
  'roll-back': 'Put the version before back',
  pause: 'Pause',
  tell: 'Tell somebody',
};

/**
 * What is to be done after a look. Pure: the same arguments plan the same actions, and the order of findings and of the history means nothing.
 * A look that has been answered is not answered again. Nothing is done twice within its cooldown, nor more often than its limit; when what
 * was done has not helped, the next step of the rule is, and after the last somebody is told.
 * @param history every action of the campaign, waiting, declined and failed ones too @param now milliseconds since 1970
 */
export function respond(
  policy: DriftPolicy,
  { id, look, figures }: DriftLookRecord,
  history: readonly TakenAction[],
  now: number,
): PlannedAction[] {
  const findings = findingsOf(look);
  const acts = look.verdict === 'act' || look.verdict === 'watch';
  if (!policy.enabled || !acts || findings.length === 0) return [];
  if (history.some(({ evidence }) => evidence.look === id)) return [];
  const rule = rulesOf(policy).find((each) => fits(each, look));
  if (!rule || rule.do.length === 0) return [];
  const of: Case = {
    cause: causeOf(look),
    subject: look.diagnosis?.subject ?? null,
    verdict: look.verdict,
  };
  const { rung, actions } = openRung(rule, of, history);
  const cooldown = msToNumber(rule.cooldown as Parameters<typeof msToNumber>[0]);
  const isCool = (action: DriftAction) =>
    history.every((taken) => !isSame(action, rung, of, taken) || now - Date.parse(taken.at) >= cooldown);
  const why = look.diagnosis?.sentence ?? findings[0]!.sentence;
  const tried = rung > 0 ? 'What was done before has not helped. ' : '';
  return actions.filter(isCool).map((action) => ({
    ...{ id: `${id}/${action}`, at: new Date(now).toISOString(), action },
    ...{ cause: of.cause, subject: of.subject, rung },
    evidence: { look: id, verdict: look.verdict, findings },
    before: figures,
    approval: policy.approval[action],
    sentence: `${WORDS[action]}. ${tried}${why}`,
  }));
}

/** The first step from the one that has been reached on that is not spent; beyond the last, somebody is told. */
function openRung(
  rule: DriftRule,
  of: Case,
  history: readonly TakenAction[],
): { rung: number; actions: DriftAction[] } {
  const ladder: DriftAction[][] = [rule.do, ...rule.then.map((action) => [action])];
  if (ladder.at(-1)!.some((action) => !isTold(action))) ladder.push(['tell']);
  const reached = Math.min(rungReached(of, history), ladder.length - 1);
  for (let rung = reached; rung < ladder.length; rung++) {
    const open = [...new Set(ladder[rung])].filter(
      (action) => history.filter((taken) => isCounted(action, rung, of, taken)).length < rule.limit,
    );
    const onlyTells = ladder[rung]!.every(isTold);
    if (open.some((action) => onlyTells || !isTold(action))) return { rung, actions: open };
  }
  return { rung: ladder.length, actions: [] };
}
