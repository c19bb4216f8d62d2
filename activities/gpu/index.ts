import type { RuntimePin } from '../../src/contracts';
import type { GpuPorts } from '../shared/ports';
import { createAcquire } from './acquire';
import { createExplore } from './explore';
import { createTrain } from './train';

export function createGpuActivities(ports: GpuPorts) {
  /** Where models are trained: the part of a round's pin that this worker knows. */
  async function describeRuntime(): Promise<Omit<RuntimePin, 'rdkit' | 'ruleSet'>> {
    return { ...(await ports.learning.runtime()), node: process.versions.node };
  }
  return { describeRuntime, ...createExplore(ports), ...createTrain(ports), ...createAcquire(ports) };
}

export type GpuActivities = ReturnType<typeof createGpuActivities>;
export type { AcquireRequest, AcquiredBatch } from './acquire';
export type { ExplorationPlan, PlanExplorationRequest, RunTrialRequest } from './explore';
export type { TrainedModel, TrainRequest } from './train';
