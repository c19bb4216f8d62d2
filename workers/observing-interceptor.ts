import { CancelledFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { workContextSchema, type WorkContext } from '../src/contracts';
import type { CampaignSeries, Metrics, SharedCpu } from '../src/observability';
import { withLogContext, type Logger } from '../src/observability/logging';
import { workContextOf } from '../src/observability/tracing';
import type { Costs } from '../src/platform/costs';
import type { ActivityCounts } from './activity-counts';

/** What computes on the accelerator where there is one. */
const ACCELERATED: ReadonlySet<string> = new Set([
  'runTrial',
  'evaluateModel',
  'trainModel',
  'scoreCandidates',
  'acquireBatch',
]);

export interface ObservingOptions {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly costs: Pick<Costs, 'compute' | 'gpu'>;
  readonly counts: ActivityCounts;
  readonly series: Pick<CampaignSeries, 'touched'>;
  /** Shared by the workers of a process. */
  readonly cpu: SharedCpu;
  /** Whether this process computes on an accelerator; false until that is known. */
  readonly accelerated: () => boolean;
}

type Counted = (request: unknown, result: unknown) => void;

/** Times, counts and logs every attempt of an activity, and says in its log lines whose work it is. */
export function observingInterceptor(options: ObservingOptions): ActivityInterceptorsFactory {
  const { metrics, logger, costs, counts, series, cpu, accelerated } = options;
  const { activity: of } = metrics;
  return ({ info }) => ({
    inbound: {
      execute(input, next) {
        const { activityType: activity, taskQueue: task_queue, attempt, workflowExecution } = info;
        const { campaign, round, stage } = contextOf(input.headers, input.args[0]);
        const context = {
          ...(campaign !== undefined && { campaign }),
          ...(round !== undefined && { round }),
          ...(stage !== undefined && { step: stage }),
          ...{ activity, attempt },
          ...(workflowExecution && {
            workflowId: workflowExecution.workflowId,
            runId: workflowExecution.runId,
          }),
        };
        return withLogContext(context, async () => {
          if (campaign !== undefined) series.touched(campaign);
          of.attempts.inc({ task_queue, activity });
          if (attempt > 1) of.retries.inc({ task_queue, activity });
          of.running.inc({ task_queue });
          logger.info({ queue: task_queue }, 'activity started');
          const started = performance.now();
          const onAccelerator = accelerated() && ACCELERATED.has(activity);
          const atWork = cpu.begin(onAccelerator);
          const end = (outcome: 'ok' | 'failed' | 'cancelled', error?: Error) => {
            const cpuSeconds = cpu.end(atWork);
            const seconds = (performance.now() - started) / 1000;
            of.duration.observe({ task_queue, activity, outcome }, seconds);
            of.cpu.inc({ task_queue, activity }, cpuSeconds);
            of.running.dec({ task_queue });
            if (campaign !== undefined) of.lastEnd.setToCurrentTime({ campaign });
            costs.compute(cpuSeconds);
            if (onAccelerator) costs.gpu(seconds);
            const fields = {
              queue: task_queue,
              outcome,
              seconds: round3(seconds),
              cpuSeconds: round3(cpuSeconds),
            };
            if (outcome === 'failed') logger.warn({ ...fields, error: error?.message }, 'activity failed');
            else logger.info(fields, outcome === 'ok' ? 'activity ended' : 'activity cancelled');
          };
          let result: unknown;
          try {
            result = await next(input);
          } catch (error) {
            end(error instanceof CancelledFailure ? 'cancelled' : 'failed', error as Error);
            throw error;
          }
          end('ok');
          (counts[activity as keyof ActivityCounts] as Counted | undefined)?.(input.args[0], result);
          return result;
        });
      },
    },
  });
}

const round3 = (seconds: number) => Math.round(seconds * 1000) / 1000;

/** As the workflow said; of one from before it did, as the request names campaign and round. */
function contextOf(headers: Parameters<typeof workContextOf>[0], request: unknown): WorkContext {
  const told = workContextOf(headers);
  if (told.campaign !== undefined) return told;
  const { campaignId, round } = (request ?? {}) as { campaignId?: unknown; round?: unknown };
  const parsed = workContextSchema.safeParse({ campaign: campaignId, round });
  return parsed.success ? parsed.data : {};
}
