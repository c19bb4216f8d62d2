import {
  STEPS,
  MEDIA_TYPES,
  type ArtifactRef,
  type CampaignConfig,
  type Cut,
  type EvaluationRecord,
  type HeldOutPrediction,
  type LabelSplit,
  type ModelSettings,
  type RuntimePin,
  type TrialSpec,
} from '../../src/contracts';
import { deriveSeed, Z90 } from '../../src/foundation';
import {
  calibrate,
  crossFittedDeviation,
  crossValidate,
  foldsOrRandom,
  judgedRows,
  regressionMetricsWithIntervals,
  totalDeviation,
} from '../../src/learning';
import type { StepOutcome } from '../../src/objects';
import type { FeatureSet } from '../featurization';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { featureReader, splitParameter } from './features';

export interface TrainRequest {
  readonly choice: TrialSpec;
  readonly cut: Cut;
  readonly features: FeatureSet;
  readonly training: CampaignConfig['training'];
  /** What the evaluation holds out; left out: rows at random. */
  readonly split?: LabelSplit;
  readonly seed: number;
  readonly runtime: RuntimePin;
}

export interface TrainedModel {
  readonly settings: ModelSettings;
  readonly weights: ArtifactRef;
  readonly backend: string;
  readonly computeSeconds: number;
  readonly facts: Readonly<Record<string, number | string>>;
}

/** The winner of exploration at full length. */
function fullSettings(choice: TrialSpec, training: CampaignConfig['training']): ModelSettings {
  const { settings } = choice;
  return settings.family === 'mlp-ensemble'
    ? { ...settings, members: training.members, epochs: training.epochs }
    : settings;
}

/** Training's two steps: how good the model is on molecules it has not seen, and the model itself, trained on every label. */
export function createTrain(ports: TrainingPorts) {
  const { objects, learning, training } = ports;
  const artifacts = jsonArtifacts(objects);
  const reader = featureReader(objects);

  const keyOf = (
    request: TrainRequest,
    settings: ModelSettings,
    parameters: Record<string, unknown> = {},
  ) => ({
    inputs: { training: request.cut.training.sha256, features: request.features.digest },
    parameters: { settings, ...parameters },
    seed: request.seed,
    runtime: request.runtime,
  });

  async function evaluateModel(request: TrainRequest): Promise<StepOutcome<EvaluationRecord>> {
    const settings = fullSettings(request.choice, request.training);
    const { folds } = request.training;
    const key = keyOf(request, settings, { folds, ...splitParameter(request.split) });
    const labels = request.cut.labels;
    const work = { task: 'evaluateModel', step: STEPS.evaluateModel, key, request, labels } as const;
    return withHeartbeat((signal, progress) =>
      training.run({ ...work, signal, onProgress: progress }, async () => {
        const labelled = await reader.labelledSet(request.features, request.cut);
        const seed = deriveSeed(request.seed, 'evaluate');
        const onFold = (fold: number) => progress({ fold, of: folds });
        const split = await reader.splitKeys(request.split, labelled.rows);
        const { kind, notes, ...plan } = split
          ? foldsOrRandom({ labelled, folds, split, seed: deriveSeed(seed, 'folds') })
          : { kind: 'random' as const, notes: [] };
        const how = { settings, labelled, folds, ...plan, seed, signal, onFold };
        const result = await crossValidate(learning, how);
        // Bounds are no measurements: they train, but nothing is held against them.
        const measured = judgedRows(labelled, result.folds);
        const take = (from: ArrayLike<number>) => Float64Array.from(measured, (row) => from[row]!);
        const observed = take(labelled.targets);
        const mean = take(result.predictions.mean);
        const deviation = take(totalDeviation(result.predictions));
        const calibration = calibrate(observed, mean, deviation);
        const honest = crossFittedDeviation(
          Int32Array.from(measured, (row) => result.folds[row]!),
          observed,
          mean,
          deviation,
        );
        const rows = measured.map((i, row): HeldOutPrediction => {
          const { moleculeId, smiles } = labelled.rows[i]!;
          const [predicted, standardDeviation] = [mean[row]!, honest[row]!];
          const half = Z90 * standardDeviation;
          return {
            moleculeId,
            smiles,
            observed: observed[row]!,
            predicted,
            standardDeviation,
            interval90: [predicted - half, predicted + half],
          };
        });
        return {
          metrics: regressionMetricsWithIntervals(
            observed,
            mean,
            honest,
            deriveSeed(request.seed, 'bootstrap'),
          ),
          calibration,
          predictions: await artifacts.putRows(rows),
          backend: result.backend,
          computeSeconds: result.computeSeconds,
          ...(split && { split: { kind, notes } }),
        };
      }),
    );
  }

  async function trainModel(request: TrainRequest): Promise<StepOutcome<TrainedModel>> {
    const settings = fullSettings(request.choice, request.training);
    const key = keyOf(request, settings);
    const labels = request.cut.labels;
    const work = { task: 'trainModel', step: STEPS.trainModel, key, request, labels } as const;
    return withHeartbeat((signal, onProgress) =>
      training.run({ ...work, signal, onProgress }, async () => {
        const labelled = await reader.labelledSet(request.features, request.cut);
        const model = await learning.fit({
          settings,
          labelled,
          seed: deriveSeed(request.seed, 'fit'),
          signal,
        });
        try {
          const weights = await objects.put(await model.serialise(), MEDIA_TYPES.model);
          return {
            settings,
            weights,
            backend: model.backend,
            computeSeconds: model.computeSeconds,
            facts: model.facts,
          };
        } finally {
          model.dispose();
        }
      }),
    );
  }

  return { evaluateModel, trainModel };
}
