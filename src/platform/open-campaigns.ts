import { Client, type ConnectionLike } from '@temporalio/client';
import { PROGRESS_MEMO, WORKFLOWS, type CampaignProgress } from '../contracts';
import type { OpenCampaign } from '../observability';

const RUNNING = `WorkflowType = '${WORKFLOWS.campaign}' AND ExecutionStatus = 'Running'`;

/** The campaigns that run, as the server's list shows them: nothing is asked of the campaigns themselves. */
export async function openCampaigns(connection: ConnectionLike, namespace: string): Promise<OpenCampaign[]> {
  const client = new Client({ connection, namespace });
  const found: OpenCampaign[] = [];
  for await (const { workflowId, searchAttributes, memo } of client.workflow.list({ query: RUNNING })) {
    const first = <T>(name: string) => (searchAttributes[name]?.[0] as T | undefined) ?? null;
    found.push({
      campaign: workflowId,
      stage: first<string>('CampaignStage'),
      round: first<number>('CampaignRound'),
      best: first<number>('BestValue'),
      progress: (memo?.[PROGRESS_MEMO] as CampaignProgress | undefined) ?? null,
    });
  }
  return found;
}
