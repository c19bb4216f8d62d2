/**
 * By how much the values of a plate or a laboratory are off, from controls: molecules of it that were measured again where nothing is in
 * doubt. Pure; what is done with the values is the caller's:
 *
 *   const rows = controlRows(rowsOfThePlate, CONTROLS, seed);         // measure these again, elsewhere
 *   const found = estimateOffset(doubted, controls, { spread });      // doubted[i] and controls[i] are of one molecule
 *   const { values, excluded } = applyOffset(found, rawValues);       // the raw values stay beside them
 */
import { createRandom, deriveSeed, standardDeviation, studentQuantile } from '../../foundation';
import { TitrateError } from '../../contracts';
import { ACT_FROM } from '../budget';
import { short } from '../finding';

/** Controls of a plate that are asked for: with an offset of two standard deviations of the noise, its error is a sixth of it. */
export const CONTROLS = 8;
/** Fewer say nothing of their own scatter. */
export const LEAST_CONTROLS = 4;
/** An offset counts from so many standard errors on: the chance of the normal distribution beyond them is 2.3 % on either side. */
const CERTAIN = 2;
const CERTAIN_LEVEL = 0.97725;
/** Standard deviations of differences, as a part of the known noise, from which on values are not merely off by a constant. */
const SCATTERED = 3;

export type OffsetDecision =
  /** The values are right: nothing is to be done. */
  | 'keep'
  /** What is off is known well enough to be taken away. */
  | 'correct'
  /** Something is wrong, and no constant puts it right. */
  | 'exclude'
  /** The controls do not say. */
  | 'more-controls';

export interface OffsetScale {
  /** Standard deviation of the residuals of values that are right, in the unit of the property: an offset well below it does no harm. */
  readonly spread: number;
  /** Standard deviation of the difference of two good measurements of one molecule, where it is known. */
  readonly noise?: number;
}

export interface OffsetEstimate {
  /** Doubted less control, mean, in the unit of the property. */
  readonly offset: number;
  readonly standardError: number;
  /** What is to be taken away. */
  readonly shrunk: number;
  readonly controls: number;
  readonly decision: OffsetDecision;
  readonly sentence: string;
}

/** An offset drawn towards nothing by what may be chance in it: the positive part of James and Stein's estimator, offset x (1 - SE^2 / offset^2). */
export const shrunkOffset = (offset: number, standardError: number): number =>
  offset === 0 ? 0 : offset * Math.max(0, 1 - (standardError / offset) ** 2);

/** Rows to be measured again: by chance, for the ones that look worst would come out better whatever is wrong with the plate. */
export const controlRows = <T>(rows: readonly T[], count: number, seed: number): readonly T[] =>
  createRandom(deriveSeed(seed, 'controls')).shuffle(rows).slice(0, count);

/**
 * @param doubted values in doubt, and @param controls values of the same molecules measured elsewhere, in the same unit and order
 * @throws usage for lists of unequal length, or a spread that is no positive number
 */
export function estimateOffset(
  doubted: readonly number[],
  controls: readonly number[],
  { spread, noise }: OffsetScale,
): OffsetEstimate {
  if (doubted.length !== controls.length || !(spread > 0))
    throw new TitrateError('usage', {
      what: `${doubted.length} values in doubt, ${controls.length} controls, residuals of standard deviation ${spread}`,
      where: 'offset of a plate',
      remedy: 'Give one control for each value, and the standard deviation of residuals that are right',
    });
  const differences = doubted.map((value, i) => value - controls[i]!).filter(Number.isFinite);
  const n = differences.length;
  if (n < LEAST_CONTROLS) {
    return {
      ...{ offset: 0, standardError: Infinity, shrunk: 0, controls: n, decision: 'more-controls' },
      sentence: `${n} controls with a value; at least ${LEAST_CONTROLS} are needed.`,
    };
  }
  const offset = differences.reduce((sum, difference) => sum + difference / n, 0);
  const scatter = standardDeviation(differences) * Math.sqrt(n / (n - 1));
  // A scatter that happens to be small proves no small noise.
  const standardError = Math.max(scatter, noise ?? 0) / Math.sqrt(n);
  const isScattered = noise !== undefined && noise > 0 && scatter > SCATTERED * noise;
  const shrunk = shrunkOffset(offset, standardError);
  const decision = isScattered ? 'exclude' : decide(offset, standardError, n, spread, noise !== undefined);
  return {
    ...{ offset, standardError, shrunk, controls: n, decision },
    sentence: `${n} controls: values are ${short(Math.abs(offset))} too ${offset < 0 ? 'low' : 'high'}, standard error ${short(standardError)}; ${WORDS[decision]}.`,
  };
}

const WORDS: Readonly<Record<OffsetDecision, string>> = {
  keep: 'that is too little to matter, and they are kept',
  correct: 'they are corrected by it',
  exclude: 'no constant puts them right, and they are left out',
  'more-controls': 'that may be chance: more controls are needed',
};

function decide(
  offset: number,
  standardError: number,
  n: number,
  spread: number,
  noiseKnown: boolean,
): OffsetDecision {
  const matters = ACT_FROM.bias * spread;
  const alarming = ACT_FROM.plateOffset * spread;
  const margin = (noiseKnown ? CERTAIN : studentQuantile(CERTAIN_LEVEL, n - 1)) * standardError;
  if (Math.abs(offset) > margin && Math.abs(offset) >= matters)
    // A correction that is itself as uncertain as a value is no better than none of the values.
    return standardError <= spread ? 'correct' : 'exclude';
  const isSmall = Math.abs(offset) + margin < alarming;
  return isSmall || Math.abs(offset) > margin ? 'keep' : 'more-controls';
}

/** Values as they are to be learnt from; what was measured stays beside them. */
export interface AppliedOffset {
  /** NaN where a value is left out. */
  readonly values: readonly number[];
  readonly raw: readonly number[];
  readonly excluded: boolean;
}

/** @param raw values of the plate or laboratory, in the unit of the estimate */
export function applyOffset(
  { decision, shrunk }: Pick<OffsetEstimate, 'decision' | 'shrunk'>,
  raw: readonly number[],
): AppliedOffset {
  const excluded = decision === 'exclude';
  const values = raw.map((value) => (excluded ? NaN : decision === 'correct' ? value - shrunk : value));
  return { values, raw, excluded };
}
