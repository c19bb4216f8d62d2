import { percent } from '../../format';
import { suggest, type Rule } from './rule';

/** Molecules that were handed out and came back without a value. */
export const failedLabels: Rule = ({ labels }) => {
  const { failed, abandoned, picks } = labels;
  const lost = failed + abandoned;
  return suggest(
    'failed-labels',
    { kind: 'labels', amount: lost, of: Math.max(picks, lost) },
    {
      suggestion:
        failed >= abandoned
          ? 'Keep what cannot be measured out of the batches: acquisition.constraints (SMARTS exclusions, property windows), from what the failed ones have in common'
          : 'Agree on what can be made before a batch is handed out: lab.approval manual, or acquisition.constraints',
      figure: `of ${picks} molecules handed out ${failed} failed and ${abandoned} were abandoned, ${percent(lost / Math.max(1, picks), 1)}`,
    },
  );
};
