import { activityInfo, Context } from '@temporalio/activity';
import { readRoundWork, type CampaignLog } from '../../src/tracking';

/** A round is not held up for longer by what is only told of it, milliseconds. */
const PATIENCE_MS = 15_000;

/**
 * Keeps what the server recorded of a round's work with the campaign, because the server forgets it: waits in queues, attempts,
 * what the cache held. Called at the end of a round by its cycle. Where the server does not answer the round goes on without it, and
 * the report says so.
 */
export async function keepRoundWork(
  log: Pick<CampaignLog, 'recordWork'>,
  { campaignId, round }: { campaignId: string; round: number },
): Promise<void> {
  const context = Context.current();
  try {
    const { client } = context;
    const { workflowExecution } = activityInfo();
    const work = await client.connection.withDeadline(Date.now() + PATIENCE_MS, () =>
      readRoundWork(client, { campaignId, round, runId: workflowExecution?.runId }),
    );
    if (work) await log.recordWork(campaignId, work);
  } catch (error) {
    context.log.warn(`the work of round ${round} is not kept: ${(error as Error).message}`, {
      campaignId,
      round,
    });
  }
}
