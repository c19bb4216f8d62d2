import type { CampaignConfig, FeatureMatrix, LearningTask, PropertyPrediction, Strategy } from '../contracts';
import type { FittedModel } from '../learning';
import type { ScoredLists } from './beliefs';
import type { BatchRules } from './constraints/rules';
import type { Decision } from './policy/decision';
import type { Evidence } from './policy/evidence';

/** What a pick was chosen by; `auto` has been decided by then. `required`: the campaign's rules ask for it. */
export type PickStrategy = Exclude<Strategy, 'auto'> | 'required';

/** What is looked for. Values are in the unit of the targets. */
export type GoalSpec =
  | { readonly kind: 'best' }
  /** As many values as can be found at or beyond the threshold, in the objective's direction. */
  | { readonly kind: 'actives'; readonly threshold: number }
  | { readonly kind: 'learn' }
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  /** The best trade-offs of the first property and the others. */
  | { readonly kind: 'pareto' };

/** The model that a batch is chosen by. */
export interface Surrogate {
  readonly model: Pick<FittedModel, 'predict' | 'sample'> & Partial<Pick<FittedModel, 'covariance' | 'best'>>;
  /** Standard deviations of the model x scale = calibrated ones. */
  readonly calibrationScale: number;
}

/** A property of goal `pareto`, beside the first one or the first one itself. */
export interface FurtherObjective {
  readonly property: string;
  readonly direction: CampaignConfig['objective']['direction'];
  /** Null while there are too few labels for a model: then the property is left out. */
  readonly surrogate: Surrogate | null;
  /** Measured values, uncensored, by molecule. */
  readonly values: ReadonlyMap<string, number>;
  /** The worst value that is still of interest. Default: worked out from the front (pareto/reference.ts). */
  readonly reference?: number;
  /** How well the model predicts values that it has not seen. */
  readonly heldOut?: Evidence['heldOut'];
}

export interface ChooseRequest {
  /** Molecules that may be picked, each once. */
  readonly moleculeIds: readonly string[];
  /** Null while there are too few labels for a model: then chance decides, or distance. */
  readonly surrogate: Surrogate | null;
  /** Features of the pool, part by part; rows of molecules that may not be picked are passed over. */
  readonly features: () => AsyncIterable<FeatureMatrix> | Iterable<FeatureMatrix>;
  /** Features of the named molecules, in their order: candidates, measured and pending ones. */
  readonly featuresOf: (moleculeIds: readonly string[]) => Promise<FeatureMatrix> | FeatureMatrix;
  readonly direction: CampaignConfig['objective']['direction'];
  /** Campaigns from before batching was a choice have none: `top`. */
  readonly acquisition: Pick<CampaignConfig['acquisition'], 'strategy' | 'kappa' | 'randomShare'> &
    Partial<Pick<CampaignConfig['acquisition'], 'batching'>>;
  /** Default: best. */
  readonly goal?: GoalSpec;
  /** Default: regression. */
  readonly task?: LearningTask;
  /** Of goal `pareto`: the name of the first property, its measured values (uncensored) and its reference, as those of the others. */
  readonly property?: string;
  readonly values?: ReadonlyMap<string, number>;
  readonly reference?: number;
  /** Of goal `pareto`: what the first property is traded off against, 1 to 3. */
  readonly others?: readonly FurtherObjective[];
  readonly batchSize: number;
  /** Best measured value so far (uncensored), of a range the one nearest to it; null before any. */
  readonly incumbent: number | null;
  /** Molecules with a label or a failed assay. */
  readonly measured?: readonly string[];
  /** Molecules at the lab: never picked; what they will tell is taken into account. */
  readonly pending?: readonly string[];
  readonly rules?: BatchRules;
  /** What the policy decides from; without it, from the number of measured molecules alone. */
  readonly evidence?: Evidence;
  readonly seed: number;
  /** Shortlists of the same candidates by the same models, made beforehand; they change nothing but the time. */
  readonly scored?: ScoredLists;
  readonly signal?: AbortSignal;
  readonly onScored?: (done: number, of: number) => void;
}

/** A candidate that stood higher by itself than what was picked, or came next, and why it was not picked. */
export interface PassedOver {
  readonly moleculeId: string;
  /** The acquisition function's value of it, by itself. */
  readonly value: number;
  readonly why: string;
}

/** A pick with what decided it. */
export interface ChosenPick {
  readonly moleculeId: string;
  readonly strategy: PickStrategy;
  /** The acquisition function's value when it was picked; absent for random and required picks. */
  readonly value?: number;
  readonly reason: string;
  /** What the model says of it, calibrated, in the unit of the targets: mean, and standard deviation of a measurement. */
  readonly predicted?: { readonly mean: number; readonly total: number };
  /** The same of the further properties that have a model. */
  readonly others?: readonly PropertyPrediction[];
  /** The value as a sum: what its mean gives it, and what its uncertainty does. Of `log-ei` the improvement, not its logarithm. */
  readonly terms?: { readonly exploit: number; readonly explore: number };
  /** The measured molecule most like it, by the Tanimoto coefficient of the features that the model reads. */
  readonly nearest?: { readonly moleculeId: string; readonly similarity: number };
  /** Share, 0 to 1, of the variance over the candidates in question that measuring it would take away. */
  readonly teaches?: number;
  readonly passedOver?: readonly PassedOver[];
}

/** A batch, how it was decided on, and who came next. */
export interface ChosenBatch {
  /** In rank order; fewer than asked for where fewer are left or the rules allow no more. */
  readonly picks: readonly ChosenPick[];
  readonly decision: Decision;
  /** The best that were not taken. */
  readonly passedOver: readonly PassedOver[];
}
