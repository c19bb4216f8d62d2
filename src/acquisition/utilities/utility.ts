import type { LearningTask } from '../../contracts';
import type { GoalSpec } from '../acquisition';

/** What the model says of one candidate, calibrated, in the unit of the targets. */
export interface Belief {
  readonly mean: number;
  /** Epistemic standard deviation: what acquisition functions call sigma. */
  readonly sigma: number;
  /** Aleatoric standard deviation: what a repeat of the assay would scatter by. */
  readonly noise: number;
}

/** A score of one candidate by what the model says of it alone. */
export interface Utility {
  /** The larger, the sooner it is picked. */
  score(mean: number, sigma: number, noise: number): number;
  /** Whether, of one candidate, it only rises or only falls with the mean, and so with sigma: then the best can be found by bounds. */
  readonly monotone: boolean;
  /** What the batch's sheet states, in its own unit and the objective's direction. */
  value(belief: Belief): number;
  terms?(belief: Belief): { readonly exploit: number; readonly explore: number };
  reason(belief: Belief, value: number): string;
}

/** A utility with a name that no other one has: its strategy and all that it was made from. */
export interface NamedUtility extends Utility {
  readonly key: string;
}

export interface UtilityRequest {
  readonly direction: 'maximize' | 'minimize';
  readonly goal: GoalSpec;
  readonly task: LearningTask;
  readonly kappa: number;
  /** Best measured value, of a range the one nearest to it; null: `reference` stands in for it. */
  readonly incumbent: number | null;
  /** Best prediction among the candidates; given where the incumbent is null and the strategy needs one. */
  readonly reference?: number;
}
