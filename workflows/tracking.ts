import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import type { DeployActivities } from '../activities/deploy';
import { trackingId, WORKFLOWS, type TrackingDelivery } from '../src/contracts';
import { trackingNews } from './messages';
import { rootCause } from './support';

export interface TrackingInput {
  readonly campaignId: string;
}

export interface TrackingOutput {
  readonly deliveries: readonly TrackingDelivery[];
  /** Why something is still in the spool; null when all of it arrived. */
  readonly undelivered: string | null;
}

/** An outage may last this long before the next round, or `titrate tracking deliver`, has to try again. */
const PATIENCE = '30 days';

const { spoolTracking, deliverTracking } = proxyActivities<
  Pick<DeployActivities, 'spoolTracking' | 'deliverTracking'>
>({
  taskQueue: 'deploy',
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: PATIENCE,
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 minutes' },
});

/**
 * Tracks what a campaign has recorded, and goes on while there is news. One at a time for a campaign, so that two deliveries never
 * meet. Nothing waits for it: however it ends, the campaign goes on and the spool keeps what did not arrive.
 */
export async function tracking({ campaignId }: TrackingInput): Promise<TrackingOutput> {
  let news = true;
  setHandler(trackingNews, async () => {
    news = true;
    // Written down at once, also while an earlier delivery waits for an outage to end.
    await spoolTracking({ campaignId }).catch(() => undefined);
  });
  const deliveries: TrackingDelivery[] = [];
  while (news) {
    news = false;
    try {
      await spoolTracking({ campaignId });
      deliveries.push(await deliverTracking({ campaignId }));
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!news) return { deliveries, undelivered: rootCause(error).message };
    }
    await condition(allHandlersFinished);
  }
  return { deliveries, undelivered: null };
}

/** Times a tracking that ends just as it is told is looked for again. */
const TRIES = 3;

/**
 * Tells the campaign's tracking that there is something new, starting it where none is running. It outlives its parent, and whatever
 * becomes of it, the caller goes on.
 */
export async function track(campaignId: string): Promise<void> {
  // Campaigns that began before there was tracking take their histories up as they were.
  if (!patched('tracking')) return;
  const workflowId = trackingId(campaignId);
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await startChild<typeof tracking>(WORKFLOWS.tracking, {
        workflowId,
        staticSummary: `tracking of ${campaignId}`,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [{ campaignId }],
      });
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return;
    }
    try {
      await getExternalWorkflowHandle(workflowId).signal(trackingNews);
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      // It has ended meanwhile: start another.
    }
  }
}
