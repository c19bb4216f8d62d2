import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkerInterceptors } from '@temporalio/worker';
import type { Tracing } from '../../../src/observability/tracing';
import { startWorkers } from '../../support/temporal';
import { ScriptedWorld } from './scripted-lab';

const QUEUES = ['warehouse', 'featurization', 'gpu', 'deploy'] as const;
type Activities = Record<string, (...args: unknown[]) => unknown>;

export interface WorldWorkers {
  stop(): Promise<void>;
}

/**
 * One set of workers for all tests of a file: the world they act in changes with each test.
 * @param world the one in force now
 * @param like has the activities of them all
 * @param interceptors of those that run activities
 * @param tracing where the spans of the workflows go; left out, nowhere
 */
export async function startWorldWorkers(
  env: TestWorkflowEnvironment,
  world: () => ScriptedWorld,
  like = new ScriptedWorld(),
  interceptors: WorkerInterceptors = {},
  tracing: Tracing | null = null,
): Promise<WorldWorkers> {
  const partOf = (part: (typeof QUEUES)[number] | 'drift'): Activities =>
    Object.fromEntries(
      Object.keys(like[part]).map((name) => [
        name,
        (...args: unknown[]) => (world()[part] as unknown as Activities)[name]!(...args),
      ]),
    );
  const activitiesOf = (queue: (typeof QUEUES)[number]): Activities => ({
    ...partOf(queue),
    ...(queue === 'deploy' && partOf('drift')),
  });
  const activities = Object.fromEntries(QUEUES.map((queue) => [queue, activitiesOf(queue)]));
  return startWorkers(env, activities, interceptors, tracing);
}
