import type { Cut } from '../contracts';

/** Below this many measured molecules a held-out evaluation says nothing, and the batch is chosen at random. */
export const MINIMUM_LABELS = 10;

export function enoughLabels(cut: Pick<Cut, 'measured'>): boolean {
  return cut.measured >= MINIMUM_LABELS;
}
