import type { PerformanceReport } from '../../contracts';
import { figuresOf } from './figures';
import type { PerformanceInput } from './input';
import { suggestionsFor } from './suggestions';

export type { Figures } from './figures';
export type { Installation, MachineRates, PerformanceInput } from './input';
export { figuresOf } from './figures';
export { gainWords } from './gain-words';
export { LEAST_SHARE, type Rule } from './suggestions/rule';
export { RULES, suggestionsFor } from './suggestions';

function notesOf({ record, work, installation }: PerformanceInput): string[] {
  const missing = record.rounds.length - work.length;
  return [
    ...(missing > 0
      ? [
          `of ${missing} of ${record.rounds.length} rounds the server's histories are neither kept nor there: waits, cache and the lab's time are not known of them`,
        ]
      : []),
    ...(installation.profile === 'local'
      ? ['this installation pays nobody: money is what the same machine time would cost on Google Cloud']
      : []),
    'what is there whether a campaign runs or not (nodes, cluster, storage, the Temporal server) is not in the money',
  ];
}

/** Where the time, the money and the labels of a campaign went, and what would have taken less. Pure. */
export function performanceOf(
  input: PerformanceInput,
  furtherNotes: readonly string[] = [],
): PerformanceReport {
  const figures = figuresOf(input);
  const { input: _, ...told } = figures;
  return { ...told, suggestions: suggestionsFor(figures), notes: [...notesOf(input), ...furtherNotes] };
}
