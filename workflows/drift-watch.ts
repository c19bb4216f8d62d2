import { getExternalWorkflowHandle, isCancellation, log, proxyActivities } from '@temporalio/workflow';
import type { DriftActivities } from '../activities/deploy/drift';
import type { DriftOrder, DriftWatchInput, DriftWatchOutput } from '../src/contracts';
import { respondToDrift } from './messages';

/** A look that finds nobody to do it is made by the next one: the schedule does not pile them up. */
const { lookForDrift, isCampaignRunning, unscheduleDriftWatch, settleDriftAction } =
  proxyActivities<DriftActivities>({
    taskQueue: 'deploy',
    startToCloseTimeout: '2 hours',
    scheduleToCloseTimeout: '6 hours',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' },
  });

/** Calls of one watch: what is left over is looked at by the next. */
const MOST_CALLS = 50;

/**
 * Looks at what was asked and what came back since the last look, and has the campaign do what its policy says. Everything is on record
 * before it is done, so that a watch that dies is taken up by the next one.
 */
export async function driftWatch(input: DriftWatchInput): Promise<DriftWatchOutput> {
  const { campaignId, occasion } = input;
  const looks: DriftWatchOutput['looks'][number][] = [];
  let orders: readonly DriftOrder[] = [];
  for (let calls = 0; calls < MOST_CALLS; calls++) {
    const looked = await lookForDrift.executeWithOptions({ summary: `look for drift (${occasion})` }, [
      input,
    ]);
    for (const note of looked.notes) log.warn(`serving log: ${note}`, { campaignId });
    if (looked.nothing) return { looks, asked: [], nothing: looked.nothing };
    looks.push(...looked.looks);
    orders = looked.orders;
    if (!looked.more) break;
  }
  if (orders.length > 0 && !(await order(campaignId, orders))) {
    for (const { id } of orders)
      await settleDriftAction({ campaignId, id, state: 'failed', note: 'the campaign is not running' });
  }
  if (occasion === 'schedule' && !(await isCampaignRunning({ campaignId })))
    await unscheduleDriftWatch({ campaignId });
  return { looks, asked: orders.map(({ id }) => id), nothing: null };
}

/** @returns whether the campaign is there to be told. */
async function order(campaignId: string, actions: readonly DriftOrder[]): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(campaignId).signal(respondToDrift, { actions: [...actions] });
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return false;
  }
}
