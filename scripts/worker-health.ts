/**
 * Health check of a worker's container: `node dist/scripts/worker-health.js QUEUE` exits with 0 if the Temporal server has lately
 * seen a worker of this host ask for work on the queue.
 */
import os from 'node:os';
import { TASK_QUEUES, type TaskQueue } from '../src/contracts';
import { loadSettings } from '../src/platform/settings';
import { connectTemporal } from '../src/platform/temporal';

/** A worker's long poll lasts a minute; twice that without one is a worker that hangs. Milliseconds. */
const LATELY_MS = 120_000;
const TIMEOUT_MS = 8000;
const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;

export interface Poller {
  /** `pid@hostname`, the SDK's default. */
  readonly identity?: string | null;
  readonly lastAccessTime?: { readonly seconds?: unknown } | null;
}

/** Whether one of the pollers is a worker on this host that asked for work lately. */
export function servedFrom(pollers: readonly Poller[], hostname: string, nowMs: number): boolean {
  return pollers.some(({ identity, lastAccessTime }) => {
    const seenMs = Number(lastAccessTime?.seconds ?? 0) * 1000;
    return identity?.split('@').at(-1) === hostname && nowMs - seenMs < LATELY_MS;
  });
}

async function main(queue: string | undefined): Promise<number> {
  if (!TASK_QUEUES.includes(queue as TaskQueue)) {
    process.stderr.write(`usage: worker-health.js ${TASK_QUEUES.join('|')}\n`);
    return 2;
  }
  const settings = loadSettings();
  const connection = await connectTemporal(settings);
  const { pollers } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace: settings.temporal.namespace,
      taskQueue: { name: queue },
      taskQueueType: queue === 'orchestration' ? WORKFLOW_QUEUE : ACTIVITY_QUEUE,
    }),
  );
  if (servedFrom(pollers ?? [], os.hostname(), Date.now())) return 0;
  process.stderr.write(`no worker on ${os.hostname()} has asked for work on '${queue}' lately\n`);
  return 1;
}

if (require.main === module) {
  main(process.argv[2]).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${(error as Error).message}\n`);
      process.exit(1);
    },
  );
}
