import type { CampaignConfig, TrainingRow } from '../contracts';
import type { GoalSpec } from './acquisition';
import type { Evidence } from './policy';
import { foundIn, incumbentOf } from './goal';

/** The goal as strategies have it; campaigns from before there was a choice look for the best. */
export function goalOf(objective: CampaignConfig['objective']): GoalSpec {
  switch (objective.goal) {
    case 'actives':
      return { kind: 'actives', threshold: objective.threshold! };
    case 'range':
      return { kind: 'range', from: objective.range!.from, to: objective.range!.to };
    case 'learn':
      return { kind: 'learn' };
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
  const incumbent = incumbentOf(values, goal, objective.direction);
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    incumbent,
    spread: Math.sqrt(squares / Math.max(1, values.length)),
    found: foundIn(values, goal, objective.direction),
  };
}
