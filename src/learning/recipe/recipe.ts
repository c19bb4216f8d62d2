import {
  featurizerName,
  type Applicability,
  type ExplorationRecord,
  type FeatureMatrix,
  type FeaturizerSpec,
  type LearningTask,
  type ModelCalibration,
  type ModelMetrics,
  type TrialSpec,
} from '../../contracts';
import { deriveSeed } from '../../foundation';
import { applicabilityOf } from '../applicability';
import { checkLabelled, measuredRows } from '../labelled-set';
import type { FittedModel, LabelledSet, Learning, TargetColumn } from '../learning';
import { splitFolds, type FoldPlan, type SplitKeys } from '../split';
import { candidatesFor, type RecipeFamilies } from './candidates';
import { combineLeaders } from './combine-leaders';
import { judge } from './judge';
import { exploreCandidates } from './explore-candidates';
import type { RecipeProgress } from './progress';

/** Folds of the out-of-fold evidence: fewer on many labels, where each fold leaves enough to train on. */
const FOLDS = 5;
const FOLDS_OF_MANY = 3;
const MANY_LABELS = 2500;

export interface RecipeRequest {
  /** Features of the same molecules in the same order, one set a featurizer; see `featurizersFor`. */
  readonly sets: readonly { readonly featurizer: FeaturizerSpec; readonly features: FeatureMatrix }[];
  readonly labels: TargetColumn & { readonly task: LearningTask };
  /** `auto` and `stack` try several families and combine what helps; a family named is the only one. */
  readonly families: RecipeFamilies;
  readonly seed: number;
  /** What is held out together; null: rows at random, stratified by target. */
  readonly split: SplitKeys | null;
  /** ECFP4 of the molecules (SIMILARITY_FEATURIZER); without it no applicability domain is found. */
  readonly fingerprints?: FeatureMatrix;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RecipeProgress) => void;
}

export interface RecipeResult {
  /** Trained on all labels; the caller disposes of it. Its predictions are raw: see `applyCalibration`. */
  readonly model: FittedModel;
  /** What was trained, and on which features: featurise by this to predict. */
  readonly trial: TrialSpec;
  readonly calibration: ModelCalibration;
  /** Out of fold, calibrated fold by fold by the other folds, with 95 % intervals. */
  readonly metrics: ModelMetrics;
  readonly applicability: Applicability | null;
  readonly exploration: ExplorationRecord<ModelMetrics>;
  /** Seconds of computing, summed over threads: exploration, evaluation and training. */
  readonly computeSeconds: number;
}

/**
 * From labels to a calibrated model without anything to decide: tries the candidates on a downscaled set, takes the leader of each
 * family to all labels out of fold, combines those that help (or takes the best alone), calibrates on the out-of-fold predictions,
 * and trains on every label.
 * The same request on the same runtime gives the same model.
 * @throws labels-insufficient, config-invalid, cancelled, and what the families throw when none of the candidates works
 */
export async function trainRecipe(
  learning: Pick<Learning, 'fit'>,
  request: RecipeRequest,
): Promise<RecipeResult> {
  const { sets, labels, families, seed, signal, onProgress } = request;
  const whole = (featurizer: FeaturizerSpec): LabelledSet => {
    const name = featurizerName(featurizer);
    return { ...labels, features: sets.find((set) => featurizerName(set.featurizer) === name)!.features };
  };
  const candidates = candidatesFor(
    { families, task: labels.task, labels: labels.targets.length },
    sets.map(({ featurizer }) => featurizer),
  );
  checkLabelled(whole(candidates[0]!.featurizer));

  const explored = await exploreCandidates(learning, {
    candidates,
    labelled: whole,
    split: request.split,
    seed: deriveSeed(seed, 'explore'),
    signal,
    onProgress,
  });
  const plan = recipeFolds(request);
  const folds = plan.assignment;
  const combined = await combineLeaders(learning, {
    leaders: explored.leaders,
    labelled: whole,
    plan,
    seed: deriveSeed(seed, 'evaluate'),
    signal,
    onProgress,
  });
  const judged = judge({
    labels,
    folds,
    predictions: combined.predictions,
    seed: deriveSeed(seed, 'bootstrap'),
  });
  const applicability =
    request.fingerprints && judged.rows.length > 0
      ? applicabilityOf({
          fingerprints: request.fingerprints,
          folds,
          forward: plan.forward,
          rows: judged.rows,
          errors: judged.errors,
        })
      : null;

  onProgress?.({ phase: 'train', what: combined.trial.trialId, done: 0, of: 1 });
  const model = await learning.fit({
    settings: combined.trial.settings,
    labelled: { ...labels, features: combined.features },
    seed: deriveSeed(seed, 'fit'),
    signal,
  });
  onProgress?.({ phase: 'train', what: combined.trial.trialId, done: 1, of: 1 });
  return {
    model,
    trial: combined.trial,
    calibration: judged.calibration,
    metrics: judged.metrics,
    applicability,
    exploration: { ...explored.record, chosen: combined.trial, rule: RECIPE_RULE },
    computeSeconds: explored.computeSeconds + combined.computeSeconds + model.computeSeconds,
  };
}

/** How the recipe decides, in one sentence, for the record. */
export const RECIPE_RULE =
  'Candidates are compared out of fold on a downscaled set; the leader of each family and any other within a tenth of the best go on ' +
  'to all labels, unless they are 15 % worse than the best; their convex weights have the least out-of-fold error, drawn ' +
  'towards the best single one.';

function recipeFolds({ labels, seed, split }: RecipeRequest): FoldPlan {
  const folds = measuredRows(labels).length > MANY_LABELS ? FOLDS_OF_MANY : FOLDS;
  return splitFolds({ labelled: labels, folds, seed: deriveSeed(seed, 'evaluate'), split });
}
