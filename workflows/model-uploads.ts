import { isCancellation, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { DeployActivities } from '../activities/deploy';
import { modelUploadsId, WORKFLOWS } from '../src/contracts';
import { goOnBeside } from './beside';
import { modelUploadsNews } from './messages';
import { rootCause } from './support';

export interface ModelUploadsInput {
  readonly campaignId: string;
}

export interface ModelUploadsOutput {
  /** `solubility-42/v3`, … */
  readonly uploaded: readonly string[];
  /** Why a version is not there yet; null when all of them are. */
  readonly notUploaded: string | null;
}

const { uploadModels } = proxyActivities<Pick<DeployActivities, 'uploadModels'>>({
  taskQueue: 'deploy',
  startToCloseTimeout: '6 hours',
  // An outage may last this long before the next round, or `titrate models upload`, has to try again.
  scheduleToCloseTimeout: '30 days',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 minutes' },
});

/** A look at records only: what it misses the next occasion finds. */
const { modelsToUpload } = proxyActivities<Pick<DeployActivities, 'modelsToUpload'>>({
  taskQueue: 'deploy',
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '1 hour',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/**
 * Enters a campaign's registered models into the registry elsewhere, one after the other, and goes on while there are new ones. One at
 * a time for a campaign. Nothing waits for it: however it ends, the campaign goes on, and what failed is on record.
 */
export async function modelUploads({ campaignId }: ModelUploadsInput): Promise<ModelUploadsOutput> {
  let news = true;
  setHandler(modelUploadsNews, () => {
    news = true;
  });
  const uploaded: string[] = [];
  while (news) {
    news = false;
    try {
      uploaded.push(...(await uploadModels({ campaignId })));
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!news) return { uploaded, notUploaded: rootCause(error).message };
    }
  }
  return { uploaded, notUploaded: null };
}

/** Has the campaign's models uploaded, where there are any to upload: a workflow of its own, since an outage elsewhere may last. */
export async function uploadBeside(campaignId: string): Promise<void> {
  // Trackings that began before there were uploads take their histories up as they were.
  if (!patched('model-uploads')) return;
  try {
    const versions = await modelsToUpload({ campaignId });
    if (versions.length === 0) return;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return;
  }
  await goOnBeside({
    workflow: WORKFLOWS.modelUploads,
    workflowId: modelUploadsId(campaignId),
    campaignId,
    summary: `uploads of models of ${campaignId}`,
    news: modelUploadsNews,
  });
}
