import { number, plural } from '../../format';
import { sum } from '../numbers';
import { suggest, type Rule } from './rule';

/** Molecules with replicates that a spread is told by. */
const LEAST_MOLECULES = 5;
/** Of the model's squared error: noise below this part of it hides nothing from the model. */
const SMALL = 0.1;

/** Molecules measured again although one measurement is far more precise than the model. */
export const needlessReplicates: Rule = ({ labels, rounds, input: { training } }) => {
  const several = training.filter(({ replicates }) => replicates > 1);
  const rmse = rounds.findLast((round) => round.rmse !== null)?.rmse ?? null;
  if (several.length < LEAST_MOLECULES || rmse === null) return null;
  const degrees = sum(several, ({ replicates }) => replicates - 1);
  const variance = sum(several, ({ replicates, spread }) => (replicates - 1) * spread ** 2) / degrees;
  if (variance > SMALL * rmse ** 2) return null;
  return suggest(
    'needless-replicates',
    { kind: 'labels', amount: labels.replicates, of: labels.labels + labels.replicates },
    {
      suggestion: 'Measure each molecule once, and spend the replicates on other molecules',
      figure: `${plural(labels.replicates, 'measurement')} beyond the first of a molecule; replicates are ${number(Math.sqrt(variance))} apart (standard deviation), the model is ${number(rmse)} off`,
    },
  );
};
