import { plural } from '../../format';
import { suggest, type Rule } from './rule';

/** Labels after which neither the best value nor the error had moved. */
export const taughtNothing: Rule = ({ labels, input: { record } }) => {
  const { taughtNothing: idle } = labels;
  if (!idle) return null;
  return suggest(
    'taught-nothing',
    { kind: 'labels', amount: idle.labels, of: labels.labels },
    {
      suggestion:
        record.config.objective.goal === 'best'
          ? 'Stop sooner (stopping.plateau, stopping.gain), or look elsewhere: a wider pool, a share at random (acquisition.randomShare)'
          : 'Stop sooner, or change what the model sees: other featurizers, other families',
      figure: `the last ${plural(idle.rounds, 'round')} brought ${plural(idle.labels, 'label')}, and neither the best value nor the held-out error moved beyond noise`,
    },
  );
};
