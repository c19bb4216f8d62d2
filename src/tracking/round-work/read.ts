import type { Client } from '@temporalio/client';
import { QUERIES, roundId, stageId, type CampaignStatus, type RoundWork } from '../../contracts';
import { addUpActivities, addUpQueues } from './add-up';
import { readHistory, type ExecutionWork } from './executions';

/** A query is answered by a worker: one that is away is not waited for longer, milliseconds. */
const QUERY_PATIENCE_MS = 5000;

export interface RoundAsked {
  readonly campaignId: string;
  readonly round: number;
  /** Execution of the round's cycle; left out: the latest one. */
  readonly runId?: string;
  /** Whether the campaign itself is asked what was posted to it. */
  readonly intake?: boolean;
}

const isGone = (error: unknown) => error instanceof Error && error.name === 'WorkflowNotFoundError';

/** An execution and all that it waited for. Null where the server knows none. */
async function readTree(client: Client, workflowId: string, runId?: string): Promise<ExecutionWork[] | null> {
  let root: ExecutionWork;
  try {
    root = readHistory(await client.workflow.getHandle(workflowId, runId).fetchHistory());
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
  const trees: ExecutionWork[] = [root];
  for (const child of root.children) {
    if (child.beside) continue;
    trees.push(...((await readTree(client, child.workflowId, child.runId)) ?? []));
  }
  return trees;
}

async function askIntake(client: Client, campaignId: string): Promise<RoundWork['intake']> {
  try {
    return await client.connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, async () => {
      const { intake } = await client.workflow.getHandle(campaignId).query<CampaignStatus>(QUERIES.status);
      return intake;
    });
  } catch {
    // A cycle that was started alone has no campaign; a worker may be away. The round's work is told without it.
    return null;
  }
}

/**
 * What the server's histories say of a round: of its cycle and the stages in it, and of the ingestion before the first one.
 * @returns null where the server does not know the round (any more).
 * @throws whatever a server throws that cannot be reached.
 */
export async function readRoundWork(
  client: Client,
  { campaignId, round, runId, intake = true }: RoundAsked,
): Promise<RoundWork | null> {
  const cycle = await readTree(client, roundId(campaignId, round), runId);
  if (!cycle) return null;
  const before = round === 1 ? await readTree(client, stageId(campaignId, 'ingestion')) : null;
  const executions = [...(before ?? []), ...cycle];
  const activities = executions.flatMap((one) => one.activities);
  const ends = activities.map(({ endedAt }) => endedAt);
  const startedAt = executions.reduce((least, one) => Math.min(least, one.startedAt), Infinity);
  const endedAt = cycle[0]!.endedAt ?? ends.reduce((most, at) => Math.max(most, at), startedAt);
  return {
    round,
    startedAt: new Date(startedAt).toISOString(),
    endedAt: new Date(endedAt).toISOString(),
    activities: addUpActivities(activities),
    queues: addUpQueues(activities),
    intake: intake ? await askIntake(client, campaignId) : null,
  };
}
