import type { NativeConnection } from '@temporalio/worker';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { TaskQueue } from '../src/contracts';
import type { Learning } from '../src/learning';
import { observeScoring } from '../src/observability/instruments';
import { watchCampaigns } from '../src/observability';
import type { Ports } from '../src/platform/composition';
import { createCosts } from '../src/platform/costs';
import { openCampaigns } from '../src/platform/open-campaigns';
import { showBacklogs } from '../src/platform/queue-backlog';
import { activityCounts } from './activity-counts';
import { observingInterceptor } from './observing-interceptor';
import type { WorkerRuntime } from './runtime';

/** What is watched of one worker. */
export interface Observation {
  readonly activity: readonly ActivityInterceptorsFactory[];
  /** The worker's own learning, with what it scores counted. */
  learning(): Learning;
  close(): void;
}

/** Counting, timing, logging and watching of one queue's worker; nothing of it with `metrics.mode: off`. */
export function observe(
  queue: TaskQueue,
  ports: Pick<Ports, 'settings' | 'learning'>,
  { metrics, logger, cpu, series }: WorkerRuntime,
  connection: NativeConnection,
): Observation {
  const { settings } = ports;
  const plain = () => ports.learning();
  if (settings.metrics.mode === 'off') return { activity: [], learning: plain, close() {} };
  const costs = createCosts(metrics);
  let accelerated = false;
  const counts = activityCounts(metrics, costs);
  const interceptor = observingInterceptor({
    ...{ metrics, logger, costs, cpu, series },
    counts: {
      ...counts,
      closeCampaign: ({ campaignId }) => series.ended(campaignId),
    },
    accelerated: () => accelerated,
  });
  const watch =
    queue === 'orchestration'
      ? watchCampaigns({
          list: async () => {
            const { namespace } = settings.temporal;
            await showBacklogs(connection, namespace, metrics.watcher);
            return openCampaigns(connection, namespace);
          },
          ...{ metrics, logger },
        })
      : null;
  return {
    activity: [interceptor],
    learning: () => observeScoring(plain(), metrics, (on) => (accelerated = on)),
    close: () => watch?.close(),
  };
}
