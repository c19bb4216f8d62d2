import type { PerformanceSuggestion } from '../../contracts';
import { duration, number, percent, plural } from '../format';

const OF = {
  elapsed: "of the campaign's duration",
  rounds: 'of the time from results to batch',
  work: 'of the work',
  money: 'of the money',
  labels: 'of the results',
} as const;

/** `up to 3 min 20 s, 31 % of the work` */
export function gainWords({ gain: { kind, amount, unit, share } }: PerformanceSuggestion): string {
  const much =
    unit === 's' ? duration(amount) : unit === 'USD' ? `${number(amount)} USD` : plural(amount, 'result');
  return `up to ${much}, ${percent(share)} ${OF[kind]}`;
}
