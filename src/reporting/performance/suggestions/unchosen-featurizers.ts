import { featurizerName } from '../../../contracts';
import { duration, plural } from '../../format';
import { sum } from '../numbers';
import { exploredRounds, secondsOf } from './explored';
import { suggest, type Rule } from './rule';

/** One round may have been chance. */
const LEAST_ROUNDS = 2;

/** Featurizers whose trials were run in every round and never won. */
export const unchosenFeaturizers: Rule = (figures) => {
  const rounds = exploredRounds(figures);
  if (rounds.length < LEAST_ROUNDS) return null;
  const chosen = new Set(rounds.map(({ record }) => featurizerName(record.chosen.featurizer)));
  const names = figures.input.record.config.featurizers.map(featurizerName);
  const never = names.filter((name) => !chosen.has(name));
  if (never.length === 0) return null;
  const spent = sum(rounds, (explored) => {
    const { trials, results } = explored.record;
    const own = new Set(
      trials
        .filter(({ featurizer }) => never.includes(featurizerName(featurizer)))
        .map(({ trialId }) => trialId),
    );
    return secondsOf(
      explored,
      results.filter(({ trialId }) => own.has(trialId)),
    );
  });
  return suggest(
    'unchosen-featurizers',
    { kind: 'work', amount: spent, of: figures.time.workSeconds },
    {
      suggestion: `Leave out of featurizers: ${never.join(', ')}`,
      figure: `${plural(never.length, 'featurizer')} of ${names.length} won in none of ${plural(rounds.length, 'exploration')}; their trials took ${duration(spent)}, and their features come on top`,
    },
  );
};
