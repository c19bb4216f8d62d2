import type { TrainingRuntime } from '../../src/training';
import { withHeartbeat } from '../shared/heartbeat';
import type { GpuPorts } from '../shared/ports';
import { createAcquire } from './acquire';
import { createExplore } from './explore';
import { createTrain } from './train';

export function createGpuActivities(ports: GpuPorts) {
  /** Where models are trained on so many labels: the part of a round's pin that is not chemistry's. */
  async function describeRuntime({ labels = 0 }: { labels?: number } = {}): Promise<TrainingRuntime> {
    const here = async () => ({ ...(await ports.learning.runtime()), node: process.versions.node });
    return withHeartbeat((signal, onProgress) =>
      ports.training.runtime(here, { labels, signal, onProgress }),
    );
  }
  return { describeRuntime, ...createExplore(ports), ...createTrain(ports), ...createAcquire(ports) };
}

export type GpuActivities = ReturnType<typeof createGpuActivities>;
export type { AcquireRequest, AcquiredBatch } from './acquire';
export type {
  ExplorationPlan,
  JudgeDownscalingRequest,
  PlanExplorationRequest,
  RunTrialRequest,
} from './explore';
export type { TrainedModel, TrainRequest } from './train';
