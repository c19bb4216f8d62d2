import type { NativeConnection } from '@temporalio/worker';
import { TASK_QUEUES, type TaskQueue } from '../contracts';
import type { Metrics } from '../observability';

const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;

/** What lies on a task queue and nobody has begun, as the server counts: about. */
export interface QueueBacklog {
  readonly queue: TaskQueue;
  readonly tasks: number;
  /** How long the oldest has waited; 0 without any. */
  readonly ageSeconds: number;
}

/** What lies on each task queue. Workers do not know: they see what they begin. */
export function queueBacklogs(
  { workflowService }: Pick<NativeConnection, 'workflowService'>,
  namespace: string,
): Promise<QueueBacklog[]> {
  return Promise.all(
    TASK_QUEUES.map(async (queue): Promise<QueueBacklog> => {
      const { stats } = await workflowService.describeTaskQueue({
        ...{ namespace, reportStats: true, taskQueue: { name: queue } },
        taskQueueType: queue === 'orchestration' ? WORKFLOW_QUEUE : ACTIVITY_QUEUE,
      });
      const { seconds, nanos } = stats?.approximateBacklogAge ?? {};
      return {
        ...{ queue, tasks: Number(stats?.approximateBacklogCount ?? 0) },
        ageSeconds: Number(seconds ?? 0) + Number(nanos ?? 0) / 1e9,
      };
    }),
  );
}

/** Puts it into the gauges of the watcher. */
export async function showBacklogs(
  connection: Pick<NativeConnection, 'workflowService'>,
  namespace: string,
  { backlog, backlogAge }: Metrics['watcher'],
): Promise<void> {
  for (const { queue, tasks, ageSeconds } of await queueBacklogs(connection, namespace)) {
    backlog.set({ task_queue: queue }, tasks);
    backlogAge.set({ task_queue: queue }, ageSeconds);
  }
}
