import {
  featurizerName,
  type BaseModelSettings,
  type FeatureMatrix,
  type FeaturizerSpec,
  type LearningTask,
  type TrialSpec,
} from '../../contracts';
import { deriveSeed } from '../../foundation';
import { outOfFold } from '../cross-validate';
import { settingsAtEffort } from '../exploration';
import type { LabelledSet, Learning, Prediction } from '../learning';
import { combinePredictions, crossFittedWeights, stackWeights, type StackEvidence } from '../stack';
import { judgedRows, type FoldPlan } from '../split';
import type { RecipeProgress } from './progress';

/** Share of an ensemble's networks in the out-of-fold evidence; all of its epochs. Weights and calibration need no more. */
const EVIDENCE_MEMBERS = 3;
/** Trees of a forest there. */
const EVIDENCE_TREES = 200;

export interface CombineRequest {
  readonly leaders: readonly TrialSpec[];
  readonly labelled: (featurizer: FeaturizerSpec) => LabelledSet;
  readonly plan: FoldPlan;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RecipeProgress) => void;
}

export interface Combined {
  readonly trial: TrialSpec;
  /** Of all rows, as the trial's featurizer says. */
  readonly features: FeatureMatrix;
  /** Out of fold, in row order; each row's weights come from the other folds. */
  readonly predictions: Prediction;
  readonly computeSeconds: number;
}

/** Predicts all rows out of fold by every leader, weighs the leaders, and says what to train: a stack, or one of them. */
export async function combineLeaders(
  learning: Pick<Learning, 'fit'>,
  { leaders, labelled, plan, seed, signal, onProgress }: CombineRequest,
): Promise<Combined> {
  const folds = plan.assignment;
  const held: Prediction[] = [];
  let computeSeconds = 0;
  const of = leaders.length * new Set(folds.filter((fold) => fold >= 0)).size;
  let done = 0;
  for (const leader of leaders) {
    const result = await outOfFold(learning, {
      settings: evidenceSettings(leader.settings as BaseModelSettings),
      labelled: labelled(leader.featurizer),
      folds: 0,
      ...plan,
      seed: deriveSeed(seed, leader.trialId),
      signal,
      onFold: () => onProgress?.({ phase: 'evaluate', what: leader.trialId, done: ++done, of }),
    });
    held.push(result.predictions);
    computeSeconds += result.computeSeconds;
  }
  const first = labelled(leaders[0]!.featurizer);
  const { evidence, own } = evidenceOf(first, held, folds);
  const weights = stackWeights(evidence);
  const crossFitted = crossFittedWeights(evidence, own);
  const predictions = combinePredictions(held, (row) => crossFitted.get(folds[row]!) ?? weights);
  return { ...assemble(leaders, weights, labelled), predictions, computeSeconds };
}

function evidenceSettings(settings: BaseModelSettings): BaseModelSettings {
  switch (settings.family) {
    case 'gaussian-process':
      return settings;
    case 'random-forest':
      return { ...settings, trees: Math.min(settings.trees, EVIDENCE_TREES) };
    default:
      return { ...settingsAtEffort(settings, 1), members: Math.min(settings.members, EVIDENCE_MEMBERS) };
  }
}

function evidenceOf(
  labels: LabelledSet & { readonly task?: LearningTask },
  held: readonly Prediction[],
  folds: Int32Array,
): { evidence: StackEvidence; own: Int32Array } {
  const rows = judgedRows(labels, folds);
  const take = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]!);
  return {
    evidence: {
      task: labels.task ?? 'regression',
      observed: take(labels.targets),
      means: held.map(({ mean }) => take(mean)),
    },
    own: Int32Array.from(rows, (row) => folds[row]!),
  };
}

function assemble(
  leaders: readonly TrialSpec[],
  weights: readonly number[],
  labelled: (featurizer: FeaturizerSpec) => LabelledSet,
): { trial: TrialSpec; features: FeatureMatrix } {
  const used = leaders.flatMap((leader, i) => (weights[i]! > 0 ? [{ leader, weight: weights[i]! }] : []));
  if (used.length === 1) {
    const [{ leader }] = used as [(typeof used)[number]];
    return { trial: leader, features: labelled(leader.featurizer).features };
  }
  const distinct = [
    ...new Map(used.map(({ leader }) => [featurizerName(leader.featurizer), leader.featurizer])),
  ];
  const models = used.map(({ leader }) => ({
    settings: leader.settings as BaseModelSettings,
    part: distinct.findIndex(([name]) => name === featurizerName(leader.featurizer)),
  }));
  const matrices = distinct.map(([, featurizer]) => labelled(featurizer).features);
  const features = matrices.length === 1 ? matrices[0]! : bundleOf(matrices);
  return {
    trial: {
      trialId: `stack-of-${used.map(({ leader }) => leader.trialId).join('+')}`,
      settings: { family: 'stack', models, folds: 0, weights: used.map(({ weight }) => weight) },
      featurizer: features.spec,
    },
    features,
  };
}

/** Matrices of the same molecules side by side. */
export function bundleOf(parts: readonly FeatureMatrix[]): FeatureMatrix {
  const [first] = parts as [FeatureMatrix];
  return {
    spec: { kind: 'bundle', parts: parts.map(({ spec }) => spec) as BundleParts },
    moleculeIds: first.moleculeIds,
    rows: first.rows,
    columns: 0,
    layout: 'bundle',
    data: new Uint8Array(0),
    parts,
  };
}

type BundleParts = Extract<FeaturizerSpec, { kind: 'bundle' }>['parts'];
