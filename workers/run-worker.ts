import { readFileSync } from 'node:fs';
import { NativeConnection, Worker, type WorkerInterceptors, type WorkerOptions } from '@temporalio/worker';
import { createDeployActivities } from '../activities/deploy';
import { createFeaturizationActivities } from '../activities/featurization';
import { createGpuActivities } from '../activities/gpu';
import { createWarehouseActivities } from '../activities/warehouse';
import { compiledEntry } from '../src/foundation';
import type { TaskQueue } from '../src/contracts';
import { processTracing, tracingActivityInterceptor, workflowSpanSinks } from '../src/observability/tracing';
import { openPorts, type Ports } from '../src/platform/composition';
import { openEvidence, openSigner } from '../src/platform/evidence';
import { reportPerformance } from '../src/platform/performance';
import { homePaths, loadSettings, type Settings } from '../src/platform/settings';
import { openTracing } from '../src/platform/tracing';
import { registerSearchAttributes, temporalConnection, unreachable } from '../src/platform/temporal';
import { driftActivities } from './drift-activities';
import { failureInterceptor } from './failure-interceptor';
import { observe, type Observation } from './observation';
import { installRuntime } from './runtime';
import { workerDeployment } from './versioning';

/** What is particular to one queue's worker: its activities and how many of them run at once. */
type QueueOptions = Pick<
  WorkerOptions,
  'activities' | 'workflowBundle' | 'sinks' | 'maxConcurrentActivityTaskExecutions'
>;

async function optionsFor(queue: TaskQueue, ports: Ports, observation: Observation): Promise<QueueOptions> {
  const { settings } = ports;
  switch (queue) {
    case 'orchestration':
      return {
        workflowBundle: { code: readFileSync(compiledEntry('workflow-bundle'), 'utf8') },
        sinks: workflowSpanSinks(processTracing()),
      };
    case 'warehouse':
      return {
        activities: createWarehouseActivities({
          ...ports,
          landing: ports.landing(),
          warehouse: await ports.warehouse(),
          workingDirectory: settings.workingDirectory,
        }),
        maxConcurrentActivityTaskExecutions: 8,
      };
    case 'featurization':
      return {
        activities: createFeaturizationActivities({
          ...ports,
          chemistry: ports.chemistry(),
          processor: ports.processor(),
        }),
        maxConcurrentActivityTaskExecutions: 2 * settings.threads.chemistry,
      };
    case 'gpu':
      return {
        activities: createGpuActivities({
          ...ports,
          learning: observation.learning(),
          training: ports.training(),
          tuning: ports.tuning(),
        }),
        // Those that wait for a job elsewhere need no thread.
        maxConcurrentActivityTaskExecutions:
          settings.training.engine === 'vertex'
            ? Math.max(settings.threads.learning, settings.training.maxJobs)
            : settings.threads.learning,
      };
    case 'deploy':
      return {
        activities: {
          ...createDeployActivities({
            ...ports,
            chemistry: ports.chemistry(),
            learning: ports.learning(),
            modelUpload: settings.training.uploadModels ? ports.modelUpload() : null,
            evidence: openEvidence(settings, process.env),
            signer: openSigner(ports.objects, process.env),
            reports: homePaths(settings).reports,
            performance: (campaignId) => reportPerformance(ports, campaignId),
          }),
          ...driftActivities(ports, process.env),
        },
        maxConcurrentActivityTaskExecutions: 8,
      };
  }
}

export interface RunWorkerOptions {
  readonly settings?: Settings;
  /** Further interceptors, outside the ones every worker has. */
  readonly interceptors?: WorkerInterceptors;
}

/**
 * Serves one task queue until it is told to stop (SIGTERM, SIGINT, or the parent process going away), then lets running
 * activities finish. Prints `worker <queue> ready` on standard output once it polls.
 */
export async function runWorker(queue: TaskQueue, options: RunWorkerOptions = {}): Promise<void> {
  const settings = options.settings ?? loadSettings();
  const runtime = await installRuntime(settings);
  const workerDeploymentOptions = workerDeployment(process.env);
  const connection = await NativeConnection.connect(temporalConnection(settings)).catch((error: unknown) => {
    throw unreachable(settings, error);
  });
  const ports = openPorts(settings, runtime.metrics);
  openTracing(settings, queue, ports.metrics.registry);
  let observation: Observation | undefined;
  try {
    await registerSearchAttributes(settings);
    observation = observe(queue, ports, runtime, connection);
    const worker = await Worker.create({
      connection,
      namespace: settings.temporal.namespace,
      taskQueue: queue,
      shutdownGraceTime: '10s',
      ...(workerDeploymentOptions && { workerDeploymentOptions }),
      interceptors: {
        ...options.interceptors,
        activity: [
          tracingActivityInterceptor,
          ...observation.activity,
          failureInterceptor,
          ...(options.interceptors?.activity ?? []),
        ],
      },
      ...(await optionsFor(queue, ports, observation)),
    });
    const stop = () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    process.once('disconnect', stop);
    const running = worker.run();
    process.stdout.write(`worker ${queue} ready\n`);
    await running;
  } finally {
    observation?.close();
    await ports.close();
    await connection.close();
  }
}

/** Runs a worker as the whole of this process; a failure is one line on standard error and exit code 1. */
export function main(queue: TaskQueue, options?: RunWorkerOptions): void {
  runWorker(queue, options).then(
    async () => {
      await processTracing()?.close();
      process.exit(0);
    },
    async (error: unknown) => {
      await processTracing()?.close();
      process.stderr.write(`worker ${queue}: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
