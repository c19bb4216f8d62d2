import type { CampaignConfig, TrainingRow } from '../contracts';
import { standardDeviation } from '../foundation';
import type { GoalSpec } from './acquisition';
import type { Evidence } from './policy';
import { foundIn } from './goal';

/** The goal as strategies have it; campaigns from before there was a choice look for the best. */
export function goalOf(objective: CampaignConfig['objective']): GoalSpec {
  switch (objective.goal) {
    case 'actives':
      return { kind: 'actives', threshold: objective.threshold! };
    case 'range':
      return { kind: 'range', from: objective.range!.from, to: objective.range!.to };
    case 'learn':
    case 'pareto':
      return { kind: objective.goal };
    default:
      return { kind: 'best' };
  }
}

export interface Known {
  /** The best uncensored value; of a range the one nearest to it. Null before any. */
  readonly incumbent: number | null;
  /** Standard deviation of the uncensored values. */
  readonly spread: number;
  readonly found: NonNullable<Evidence['found']>;
}

/** What the measured values come to, for those who choose the next batch. */
export function knownOf(objective: CampaignConfig['objective'], rows: readonly TrainingRow[]): Known {
  const goal = goalOf(objective);
  const values = rows.filter(({ qualifier }) => qualifier === '=').map(({ value }) => value);
  const found = foundIn(values, goal, objective.direction);
  return { incumbent: found.best ?? null, spread: standardDeviation(values), found };
}
