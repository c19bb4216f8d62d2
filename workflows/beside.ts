import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  startChild,
  type SignalDefinition,
} from '@temporalio/workflow';

/** A workflow that goes on beside a campaign, one at a time, until there is nothing more to do. */
export interface BesideCampaign {
  /** Its type. */
  readonly workflow: string;
  readonly workflowId: string;
  readonly campaignId: string;
  /** What the Web UI says of it. */
  readonly summary: string;
  /** What one that runs already is told. */
  readonly news: SignalDefinition;
}

/** Times one that ends just as it is told is looked for again. */
const TRIES = 3;

/**
 * Starts the workflow, or tells the one that runs that there is something new. It outlives its parent, and whatever becomes of it, the
 * caller goes on.
 */
export async function goOnBeside(beside: BesideCampaign): Promise<void> {
  const { workflow, workflowId, campaignId, summary, news } = beside;
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await startChild(workflow, {
        workflowId,
        staticSummary: summary,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [{ campaignId }],
      });
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return;
    }
    try {
      await getExternalWorkflowHandle(workflowId).signal(news);
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      // It has ended meanwhile: start another.
    }
  }
}
