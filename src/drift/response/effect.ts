import type {
  DriftAction,
  DriftActionRecord,
  DriftEffect,
  DriftFigures,
  DriftMeasure,
} from '../../contracts';
import { short } from '../finding';
import { studentQuantile } from '../../foundation';
import { isJudged } from './escalation';
import { pooledFigures } from './figures';

/**
 * Chance that an action without effect is ever said to have helped, and that it is ever said to have done harm, over all looks at it together:
 * half of this each. The k-th look spends the part 6 / (pi k)^2 of it, which add up to all of it.
 */
export const FALSE_EFFECTS = 0.05;
/** Rows on either side below which nothing is said: means of fewer skewed values have no normal distribution. */
export const LEAST_ROWS = 25;
/** A difference below this part of what there was is none. */
export const NEGLIGIBLE = 0.1;
/** So many looks without a difference say that there is none to be had. */
export const MOST_LOOKS = 8;

const levelOf = (look: number): number => (FALSE_EFFECTS * 6) / (Math.PI * look) ** 2;

/** How much better it is now, with the margin of error of that; `scale` is what there was before. */
interface Comparison {
  readonly name: DriftMeasure['name'];
  readonly gain: number;
  readonly margin: number;
  readonly scale: number;
  readonly rows: number;
  readonly paired: boolean;
}

/** What each action is to better, the most telling first. */
const MEASURES: Readonly<Record<DriftAction, readonly DriftMeasure['name'][]>> = {
  retrain: ['root-error'],
  're-explore': ['root-error'],
  'widen-pool': ['root-error', 'similarity'],
  'control-plate': ['root-error'],
  'roll-back': ['skewed', 'root-error'],
  pause: [],
  tell: [],
};
/** Controls put values right, and the values of later windows are no longer those of the window before, whatever the model. */
const CHANGES_MODEL: readonly DriftAction[] = ['retrain', 're-explore', 'widen-pool', 'roll-back'];
const RISING: readonly DriftMeasure['name'][] = ['similarity'];

const variance = ({ deviation, rows }: DriftMeasure) => deviation ** 2 / rows;

/** The same rows asked of both states: the difference of each row, which no easier or harder rows can bring about. */
function paired(after: DriftFigures, before: DriftFigures, alpha: number): Comparison | null {
  const { gain } = after;
  if (!gain || gain.rows < LEAST_ROWS) return null;
  const now = after.measures.find(({ name }) => name === gain.name);
  const was = before.measures.find(({ name }) => name === gain.name);
  return {
    ...{ name: gain.name, gain: gain.mean, rows: gain.rows, paired: true },
    margin: studentQuantile(1 - alpha / 2, gain.rows - 1) * Math.sqrt(variance(gain)),
    scale: now ? Math.abs(now.mean + gain.mean) : Math.abs(was?.mean ?? 0),
  };
}

/** Before and after as two samples of unequal spread (Welch, Biometrika 34 (1947) 28). */
function apart(
  name: DriftMeasure['name'],
  before: DriftFigures,
  after: DriftFigures,
  alpha: number,
): Comparison | null {
  const of = ({ measures }: DriftFigures) => measures.find((each) => each.name === name);
  const [was, now] = [of(before), of(after)];
  if (!was || !now || was.rows < LEAST_ROWS || now.rows < LEAST_ROWS) return null;
  const [a, b] = [variance(was), variance(now)];
  const degrees = a + b > 0 ? (a + b) ** 2 / (a ** 2 / (was.rows - 1) + b ** 2 / (now.rows - 1)) : 1;
  const sign = RISING.includes(name) ? -1 : 1;
  return {
    ...{ name, gain: sign * (was.mean - now.mean), rows: now.rows, paired: false, scale: Math.abs(was.mean) },
    margin: a + b > 0 ? studentQuantile(1 - alpha / 2, degrees) * Math.sqrt(a + b) : 0,
  };
}

/** @param isFirst whether this is what the action is to better first of all: only then no difference means no effect */
function effectOf({ gain, margin, scale }: Comparison, look: number, isFirst: boolean): DriftEffect {
  if (gain - margin > 0) return 'helped';
  if (gain + margin < 0) return 'worse';
  const isNone = isFirst && Math.max(Math.abs(gain - margin), Math.abs(gain + margin)) <= NEGLIGIBLE * scale;
  return isNone || look >= MOST_LOOKS ? 'no-change' : 'not-known-yet';
}

const WORDS: Readonly<Record<DriftMeasure['name'], string>> = {
  'absolute-error': 'absolute error',
  'root-error': 'root of the absolute error',
  skewed: 'share of rows served wrongly',
  similarity: 'similarity to the training molecules',
  deviation: 'stated standard deviation',
};

function sentenceOf({ name, gain, margin, rows, paired: isPaired }: Comparison, look: number): string {
  const how = isPaired
    ? 'less than that of the state before on the same rows'
    : RISING.includes(name)
      ? 'more than before'
      : 'less than before';
  const level = short(100 * (1 - levelOf(look)));
  return `Mean ${WORDS[name]}: ${short(gain)} ${how} (${level} % interval ${short(gain - margin)} to ${short(gain + margin)}, ${rows} rows).`;
}

type Judged = Pick<
  DriftActionRecord,
  'action' | 'state' | 'before' | 'after' | 'judged' | 'effect' | 'effectSentence'
>;

/**
 * Takes the figures of one more window since an action into account. Judged by the rows that the replaced state was asked about too, where
 * there are enough; else by the difference to the window before the action. That window was looked at because it was bad, so without a
 * comparison on the same rows a part of any later difference is chance. A verdict once reached stays.
 * @param later figures of a window after the action, each window once
 */
export function judgeEffect<T extends Judged>(record: T, later: DriftFigures): T {
  if (record.state !== 'done' || record.effect !== 'not-known-yet') return record;
  const after = record.after ? pooledFigures(record.after, later) : later;
  if (!isJudged(record.action))
    return { ...record, after, effectSentence: 'What it leads to is for a person to say.' };
  const look = record.judged + 1;
  const alpha = levelOf(look);
  const found =
    (CHANGES_MODEL.includes(record.action) ? paired(after, record.before, alpha) : null) ??
    MEASURES[record.action]
      .map((name) => apart(name, record.before, after, alpha))
      .find((each) => each !== null);
  if (!found)
    return {
      ...record,
      after,
      effectSentence: `Too few rows: at least ${LEAST_ROWS} are needed before and after.`,
    };
  return {
    ...{ ...record, after, judged: look },
    ...{
      effect: effectOf(found, look, found.paired || found.name === MEASURES[record.action][0]),
      effectSentence: sentenceOf(found, look),
    },
  };
}

/** The record of an action that has just been planned. */
export const recordOf = <T extends object>(
  planned: T,
  state: DriftActionRecord['state'],
  doneAt: string | null,
): T & Pick<DriftActionRecord, 'state' | 'doneAt' | 'after' | 'judged' | 'effect' | 'effectSentence'> => ({
  ...planned,
  ...{ state, doneAt, after: null, judged: 0 },
  ...{ effect: 'not-known-yet', effectSentence: 'Nothing has been looked at since.' },
});
