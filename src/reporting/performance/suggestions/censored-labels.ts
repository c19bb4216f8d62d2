import { percent } from '../../format';
import { suggest, type Rule } from './rule';

/** A few bounds are what assays give. */
const MANY = 0.2;

/** Results that say no more than above or below. */
export const censoredLabels: Rule = ({ labels: { censored, labels } }) => {
  if (censored < MANY * labels) return null;
  return suggest(
    'censored-labels',
    { kind: 'labels', amount: censored, of: labels },
    {
      suggestion:
        "Widen the assay's range (dilutions, top concentration), or look for what lies inside it: objective.goal range",
      figure: `${censored} of ${labels} labels (${percent(censored / Math.max(1, labels))}) are bounds, which teach a model less than values do`,
    },
  );
};
