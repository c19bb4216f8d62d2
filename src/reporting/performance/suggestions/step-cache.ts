import { duration, percent } from '../../format';
import { sum } from '../numbers';
import { suggest, type Rule } from './rule';

/** Steps whose inputs do not change from round to round: they belong to the pool. */
const OF_THE_POOL: ReadonlySet<string> = new Set(['featuriseShard', 'standardiseSource']);

/** Features of the pool that were computed again in later rounds. */
export const stepCache: Rule = (figures) => {
  const { work, record } = figures.input;
  const steps = (one: (typeof work)[number]) =>
    one.activities.filter(({ activity, steps }) => OF_THE_POOL.has(activity) && steps > 0);
  const withSteps = work.filter((one) => steps(one).length > 0);
  const later = withSteps.slice(1).flatMap(steps);
  const asked = sum(later, (one) => one.steps);
  const cached = sum(later, (one) => one.cached);
  // Without histories the rounds' timings tell the same, more roughly.
  const timed = record.rounds
    .flatMap(({ timings }) => timings.filter(({ stage }) => stage === 'featurize'))
    .slice(1);
  const again =
    withSteps.length > 0
      ? sum(later, (one) => one.computedSeconds)
      : sum(timed, ({ cached: found, seconds }) => (found ? 0 : seconds));
  return suggest(
    'step-cache',
    { kind: 'work', amount: again, of: figures.time.workSeconds },
    {
      suggestion:
        'Keep what was computed: leave featurizers and chemistry versions as they are during a campaign, and see that nothing deletes objects (retention, prune) that steps have recorded',
      figure:
        asked > 0
          ? `in rounds after the first, ${percent(cached / asked)} of ${asked} steps on the pool were found on record; the others took ${duration(again)}`
          : `features of the pool were computed again in later rounds, for ${duration(again)}`,
    },
  );
};
