import type { GainKind, PerformanceSuggestion } from '../../../contracts';
import type { Figures } from '../figures';

/** A rule looks at the figures and has something to say, or not. Pure. */
export type Rule = (figures: Figures) => PerformanceSuggestion | null;

/** A suggestion must have saved at least this part of all there was of its kind, and this much. */
export const LEAST_SHARE = 0.05;
const LEAST_AMOUNT = { s: 1, USD: 0.01, results: 2 } as const;

const UNITS = { elapsed: 's', rounds: 's', work: 's', money: 'USD', labels: 'results' } as const;

/**
 * A suggestion, where what it would have saved is worth saying.
 * @param of all there was of its kind; null where that is not known, and then nothing is said.
 */
export function suggest(
  rule: string,
  gain: { readonly kind: GainKind; readonly amount: number; readonly of: number | null },
  words: Pick<PerformanceSuggestion, 'suggestion' | 'figure'>,
): PerformanceSuggestion | null {
  const { kind, of } = gain;
  if (of === null || !(of > 0) || !(gain.amount > 0)) return null;
  const amount = Math.min(gain.amount, of);
  const unit = UNITS[kind];
  const share = amount / of;
  if (share < LEAST_SHARE || amount < LEAST_AMOUNT[unit]) return null;
  return { rule, ...words, gain: { kind, amount, unit, share } };
}
