import type { CampaignConfig } from '../contracts';
import type { GoalSpec } from './acquisition';
import type { Evidence } from './policy';

type Direction = CampaignConfig['objective']['direction'];

/** The measured value that is to be improved on: the best one, of a range the one nearest to it; null before any. */
function incumbentOf(values: readonly number[], goal: GoalSpec, direction: Direction): number | null {
  const merit = (value: number): number => {
    if (goal.kind === 'range') return -Math.max(goal.from - value, value - goal.to, 0);
    return direction === 'maximize' ? value : -value;
  };
  return values.reduce<number | null>(
    (best, value) => (best === null || merit(value) > merit(best) ? value : best),
    null,
  );
}

/** Values that are what the goal looks for; of `best` and `learn`, which draw no line, none. */
function hitsOf(values: readonly number[], goal: GoalSpec, direction: Direction): number {
  if (goal.kind === 'range') return values.filter((value) => value >= goal.from && value <= goal.to).length;
  if (goal.kind !== 'actives') return 0;
  const { threshold } = goal;
  return values.filter((value) => (direction === 'maximize' ? value >= threshold : value <= threshold))
    .length;
}

/** What has been found, of uncensored values: evidence for the policy. */
export function foundIn(
  values: readonly number[],
  goal: GoalSpec,
  direction: Direction,
): NonNullable<Evidence['found']> {
  const best = incumbentOf(values, goal, direction);
  return {
    ...(best !== null && { best }),
    ...((goal.kind === 'range' || goal.kind === 'actives') && { hits: hitsOf(values, goal, direction) }),
    ...(values.length > 0 && { binary: values.every((value) => value === 0 || value === 1) }),
  };
}
