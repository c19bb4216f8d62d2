import {
  STEPS,
  type CampaignConfig,
  type Cut,
  type FeaturizerSpec,
  type RuntimePin,
  type TrialResult,
  type TrialSpec,
  type TrainingRow,
} from '../../src/contracts';
import { deriveSeed } from '../../src/foundation';
import {
  downscale,
  growDownscale,
  proposeTrials,
  runTrial as runLearningTrial,
  selectLabelledRows,
  type Downscale,
} from '../../src/learning';
import type { StepOutcome } from '../../src/objects';
import type { FeatureSet } from '../featurization';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { GpuPorts } from '../shared/ports';
import { featureReader } from './features';

export interface PlanExplorationRequest {
  readonly cut: Cut;
  readonly featurizers: readonly FeaturizerSpec[];
  readonly exploration: CampaignConfig['exploration'];
  readonly training: CampaignConfig['training'];
  readonly seed: number;
}

export interface ExplorationPlan {
  readonly trials: readonly TrialSpec[];
  /** Labels of the downscaled set (all of them, where its size is yet to be found), and in all. */
  readonly subsetRows: number;
  readonly labels: number;
}

export interface RunTrialRequest {
  readonly trial: TrialSpec;
  readonly rung: number;
  /** Rows of the downscaled set that this rung sees. */
  readonly rows: number;
  /** Share of a full-length trial, 0 < effort <= 1. */
  readonly effort: number;
  readonly cut: Cut;
  readonly features: FeatureSet;
  readonly exploration: CampaignConfig['exploration'];
  readonly seed: number;
  readonly runtime: RuntimePin;
}

export interface JudgeDownscalingRequest {
  readonly results: readonly TrialResult[];
  /** Labels of the last rung, and in all. */
  readonly rows: number;
  readonly labels: number;
}

/** Exploration's steps: which trials to make, one trial on a part of the labels, and whether that part is large enough. */
export function createExplore(ports: GpuPorts) {
  const { objects, learning, training } = ports;
  const artifacts = jsonArtifacts(objects);
  const reader = featureReader(objects);

  async function planExploration(request: PlanExplorationRequest): Promise<ExplorationPlan> {
    const { cut, exploration, training, seed } = request;
    const labels = (await artifacts.getRows<TrainingRow>(cut.training)).length;
    const trials = proposeTrials({
      families: exploration.families,
      featurizers: request.featurizers,
      trialsPerFamily: exploration.trialsPerFamily,
      labels,
      ensemble: { members: training.members, epochs: exploration.epochs },
      seed: deriveSeed(seed, 'trials'),
    });
    const subsetRows = exploration.maxRows === 'auto' ? labels : Math.min(exploration.maxRows, labels);
    return { trials, subsetRows, labels };
  }

  async function runTrial(request: RunTrialRequest): Promise<StepOutcome<TrialResult>> {
    const { trial, rung, rows, effort, cut, features, exploration, seed, runtime } = request;
    const key = {
      inputs: { training: cut.training.sha256, features: features.digest },
      parameters: {
        settings: trial.settings,
        trialId: trial.trialId,
        rung,
        rows,
        effort,
        folds: exploration.folds,
      },
      seed,
      runtime,
    };
    const work = { task: 'runTrial', step: STEPS.runTrial, key, request, labels: cut.labels } as const;
    return withHeartbeat((signal, onProgress) =>
      training.run({ ...work, signal, onProgress }, async () => {
        const all = await reader.labelledSet(features, cut);
        const sample = downscale({
          targets: all.targets,
          maxRows: rows,
          seed: deriveSeed(seed, 'downscale', rows),
        });
        return runLearningTrial(learning, {
          trial,
          rung,
          effort,
          labelled: selectLabelledRows(all, sample),
          folds: exploration.folds,
          // One seed a rung: its trials are compared on the same folds.
          seed: deriveSeed(seed, 'rung', rung),
          signal,
        });
      }),
    );
  }

  /** Whether exploration is to look at more labels: a rule on the learning curves so far, without any effect. */
  async function judgeDownscaling(request: JudgeDownscalingRequest): Promise<Downscale> {
    return growDownscale(request.results, request.rows, request.labels);
  }

  return { planExploration, runTrial, judgeDownscaling };
}
