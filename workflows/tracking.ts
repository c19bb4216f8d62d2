import {
  allHandlersFinished,
  condition,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { DeployActivities } from '../activities/deploy';
import { trackingId, WORKFLOWS, type TrackingDelivery } from '../src/contracts';
import { goOnBeside } from './beside';
import { trackingNews } from './messages';
import { uploadBeside } from './model-uploads';
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
 * meet. Nothing waits for it: however it ends, the campaign goes on and the spool keeps what did not arrive. It is also the occasion to
 * see whether there are models to upload.
 */
export async function tracking({ campaignId }: TrackingInput): Promise<TrackingOutput> {
  let news = true;
  // Deliveries and uploads do not wait for each other: either may be away for days.
  let uploads: Promise<void> = Promise.resolve();
  const upload = () => {
    uploads = uploads.then(() => uploadBeside(campaignId));
    // A cancellation, of which the deliveries know too.
    uploads.catch(() => undefined);
  };
  setHandler(trackingNews, async () => {
    news = true;
    upload();
    // Written down at once, also while an earlier delivery waits for an outage to end.
    await spoolTracking({ campaignId }).catch(() => undefined);
  });
  upload();
  const deliveries: TrackingDelivery[] = [];
  let undelivered: string | null = null;
  while (news) {
    news = false;
    try {
      await spoolTracking({ campaignId });
      deliveries.push(await deliverTracking({ campaignId }));
      undelivered = null;
    } catch (error) {
      if (isCancellation(error)) throw error;
      undelivered = rootCause(error).message;
    }
    await condition(allHandlersFinished);
    // More news may come meanwhile.
    if (!news) await uploads;
  }
  return { deliveries, undelivered };
}

/** Tells the campaign's tracking that there is something new, starting it where none is running. */
export async function track(campaignId: string): Promise<void> {
  // Campaigns that began before there was tracking take their histories up as they were.
  if (!patched('tracking')) return;
  await goOnBeside({
    workflow: WORKFLOWS.tracking,
    workflowId: trackingId(campaignId),
    campaignId,
    summary: `tracking of ${campaignId}`,
    news: trackingNews,
  });
}
