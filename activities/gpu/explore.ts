import {
  STEPS,
  type CampaignConfig,
  type Cut,
  type LabelSplit,
  type RuntimePin,
  type TrialResult,
  type TrialSpec,
} from '../../src/contracts';
import { deriveSeed } from '../../src/foundation';
import {
  downscale,
  growDownscale,
  runTrial as runLearningTrial,
  selectKeys,
  selectLabelledRows,
  type Downscale,
} from '../../src/learning';
import type { StepOutcome } from '../../src/objects';
import type { FeatureSet } from '../featurization';
import { withHeartbeat } from '../shared/heartbeat';
import type { TrainingPorts } from '../shared/ports';
import { featureReader, splitParameter } from './features';

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
  /** Left out: folds at random. */
  readonly split?: LabelSplit;
  readonly seed: number;
  readonly runtime: RuntimePin;
}

export interface JudgeDownscalingRequest {
  readonly results: readonly TrialResult[];
  /** Labels of the last rung, and in all. */
  readonly rows: number;
  readonly labels: number;
}

/** Exploration's steps: one trial on a part of the labels, and whether that part is large enough. */
export function createExplore(ports: TrainingPorts) {
  const { objects, learning, training } = ports;
  const reader = featureReader(objects);

  async function runTrial(request: RunTrialRequest): Promise<StepOutcome<TrialResult>> {
    const { trial, rung, rows, effort, cut, features, exploration, split, seed, runtime } = request;
    const key = {
      inputs: { training: cut.training.sha256, features: features.digest },
      parameters: {
        settings: trial.settings,
        trialId: trial.trialId,
        rung,
        rows,
        effort,
        folds: exploration.folds,
        ...splitParameter(split),
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
          split: selectKeys(await reader.splitKeys(split, all.rows), sample),
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

  return { runTrial, judgeDownscaling };
}
