import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../support/temporal';
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
 */
export async function startWorldWorkers(
  env: TestWorkflowEnvironment,
  world: () => ScriptedWorld,
  like = new ScriptedWorld(),
): Promise<WorldWorkers> {
  const base = { connection: env.nativeConnection, namespace: env.namespace };
  const activitiesOf = (queue: (typeof QUEUES)[number]): Activities =>
    Object.fromEntries(
      Object.keys(like[queue]).map((name) => [
        name,
        (...args: unknown[]) => (world()[queue] as unknown as Activities)[name]!(...args),
      ]),
    );
  const workers = await Promise.all([
    Worker.create({ ...base, taskQueue: 'orchestration', workflowBundle: workflowBundle() }),
    ...QUEUES.map((taskQueue) => Worker.create({ ...base, taskQueue, activities: activitiesOf(taskQueue) })),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    async stop() {
      workers.forEach((worker) => worker.shutdown());
      await running;
    },
  };
}
