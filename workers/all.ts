import { TASK_QUEUES } from '../src/contracts';
import { processTracing } from '../src/observability/tracing';
import { runWorker } from './run-worker';

/** Every queue in one process, for a machine with little memory. The first worker to fail ends the process. */
Promise.all(TASK_QUEUES.map((queue) => runWorker(queue))).then(
  async () => {
    await processTracing()?.close();
    process.exit(0);
  },
  async (error: unknown) => {
    await processTracing()?.close();
    process.stderr.write(`workers: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
