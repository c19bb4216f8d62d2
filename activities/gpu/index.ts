import type { TrainingRuntime } from '../../src/training';
import { withHeartbeat } from '../shared/heartbeat';
import type { GpuPorts, TrainingPorts } from '../shared/ports';
import { createAcquire } from './acquire';
import { createExplore } from './explore';
import { createPlan } from './plan';
import { createScore } from './score';
import { createTrain } from './train';

/** What may run in a training job as well as here. */
export function createTrainingTasks(ports: TrainingPorts) {
  /** Where models are trained on so many labels: the part of a round's pin that is not chemistry's. */
  async function describeRuntime({ labels = 0 }: { labels?: number } = {}): Promise<TrainingRuntime> {
    const here = async () => ({ ...(await ports.learning.runtime()), node: process.versions.node });
    return withHeartbeat((signal, onProgress) =>
      ports.training.runtime(here, { labels, signal, onProgress }),
    );
  }
  return { describeRuntime, ...createExplore(ports), ...createTrain(ports), ...createAcquire(ports) };
}

export const createGpuActivities = (ports: GpuPorts) => ({
  ...createTrainingTasks(ports),
  ...createScore(ports),
  ...createPlan(ports),
});

export type TrainingTasks = ReturnType<typeof createTrainingTasks>;
export type GpuActivities = ReturnType<typeof createGpuActivities>;
export type { AcquireRequest, AcquiredBatch } from './acquire';
export type { ScoredGroup, ScoreRequest } from './score';
export type { JudgeDownscalingRequest, RunTrialRequest } from './explore';
export type { ExplorationPlan, PlanExplorationRequest, ReportTrialsRequest } from './plan';
export type { TrainedModel, TrainRequest } from './train';
