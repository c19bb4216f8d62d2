import { readFileSync } from 'node:fs';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, type LogLevel, type WorkerInterceptors } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { workflowSpanSinks, type Tracing } from '../../src/observability/tracing';
import { findTemporalCli } from '../../src/platform/local-stack';

const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Int: SearchAttributeType.INT,
  Double: SearchAttributeType.DOUBLE,
} as const;

/** The prebuilt bundle that the orchestration worker runs. */
export const workflowBundle = () => ({ code: readFileSync(compiledEntry('workflow-bundle'), 'utf8') });

/** Options of a worker that runs workflows as the orchestration worker does. @param tracing where their spans go: left out, nowhere */
export const workflowOptions = (tracing: Tracing | null = null) => ({
  workflowBundle: workflowBundle(),
  sinks: workflowSpanSinks(tracing),
});

/**
 * A real Temporal server of its own, in memory, on a free port. TITRATE_TEST_LOG=DEBUG shows what the SDK logs.
 * @param extraArgs of `temporal server start-dev`
 */
export async function startServer(extraArgs: string[] = []): Promise<TestWorkflowEnvironment> {
  Runtime.install({ logger: new DefaultLogger((process.env.TITRATE_TEST_LOG ?? 'ERROR') as LogLevel) });
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: findTemporalCli().path },
      extraArgs,
      searchAttributes: Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) =>
        defineSearchAttributeKey(name, TYPES[type]),
      ),
    },
  });
}

/**
 * Real workers in this process: one that runs the workflows, and one for each queue of activities.
 * @param interceptors of those that run activities
 * @param tracing where the spans of the workflows go; left out, nowhere
 */
export async function startWorkers(
  env: TestWorkflowEnvironment,
  activities: Readonly<Record<string, object>>,
  interceptors: WorkerInterceptors = {},
  tracing: Tracing | null = null,
): Promise<{ stop(): Promise<void> }> {
  const base = { connection: env.nativeConnection, namespace: env.namespace };
  const workers = await Promise.all([
    Worker.create({ ...base, taskQueue: 'orchestration', ...workflowOptions(tracing) }),
    ...Object.entries(activities).map(([taskQueue, own]) =>
      Worker.create({ ...base, taskQueue, activities: own, interceptors }),
    ),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    async stop() {
      workers.forEach((worker) => worker.shutdown());
      await running;
    },
  };
}
