import type { FeatureSet } from '../activities/featurization';
import {
  operationId,
  type CampaignConfig,
  type Cut,
  type EvaluationRecord,
  type LabelSplit,
  type ModelCard,
  type ModelVersion,
  type RuntimePin,
  type TrialSpec,
} from '../src/contracts';
import { deploy, gpu } from './activities';
import { surfaced } from './support';

export interface TrainingInput {
  readonly campaignId: string;
  readonly round: number;
  /** Of a model that is trained beside the rounds. */
  readonly answering?: string;
  readonly objective: CampaignConfig['objective'];
  readonly training: CampaignConfig['training'];
  /** What the evaluation holds out; left out: rows at random. */
  readonly split?: LabelSplit;
  readonly choice: TrialSpec;
  readonly cut: Cut;
  readonly features: FeatureSet;
  readonly seed: number;
  readonly runtime: RuntimePin;
}

export interface TrainingOutput {
  readonly version: ModelVersion;
  readonly card: ModelCard;
  readonly evaluation: EvaluationRecord;
  readonly seconds: number;
  readonly cached: boolean;
}

/** Evaluates and calibrates the chosen model on held-out folds, trains it on every label, and registers the version. */
export async function training(input: TrainingInput): Promise<TrainingOutput> {
  const { campaignId, round, objective, choice, cut, features, seed, runtime } = input;
  try {
    const request = { choice, cut, features, seed, runtime, training: input.training, split: input.split };
    const [evaluated, trained] = await Promise.all([
      gpu.evaluateModel.executeWithOptions(
        { summary: `evaluate on ${input.training.folds} held-out folds` },
        [request],
      ),
      gpu.trainModel.executeWithOptions({ summary: `train on all ${cut.labels} labels` }, [request]),
    ]);
    const card: ModelCard = {
      campaignId,
      round,
      property: objective.property,
      unit: objective.unit,
      family: trained.value.settings.family,
      settings: trained.value.settings,
      featurizer: choice.featurizer,
      weights: trained.value.weights,
      training: cut.training,
      heldOut: evaluated.value.predictions,
      features: features.shards,
      dataVersion: cut.dataVersion,
      cutId: cut.cutId,
      labels: cut.labels,
      ...heldOutBy(evaluated.value),
      metrics: evaluated.value.metrics,
      calibration: evaluated.value.calibration,
      runtime,
      seed,
    };
    const version = await deploy.registerModel.executeWithOptions({ summary: `register ${campaignId}` }, [
      {
        campaignId,
        card,
        operationId: operationId(
          campaignId,
          round,
          input.answering === undefined ? 'register' : `answer/${input.answering}/register`,
        ),
      },
    ]);
    return {
      version,
      card,
      evaluation: evaluated.value,
      seconds: evaluated.seconds + trained.seconds,
      cached: evaluated.cached && trained.cached,
    };
  } catch (error) {
    throw surfaced(error);
  }
}

const heldOutBy = ({ split }: EvaluationRecord): Pick<ModelCard, 'split'> =>
  split && split.kind !== 'random' ? { split: split.kind } : {};
