import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  QUERIES,
  ROLLOUT_DECISIONS,
  SIGNALS,
  UPDATES,
  type CampaignHistory,
  type CampaignStage,
  type CampaignStatus,
  type DataMoved,
  type CurrentBatch,
  type DecideDriftInput,
  type RespondToDrift,
  type ModelMoved,
  type LabResultsMessage,
  type Receipt,
  type RollbackData,
  type RollbackModel,
  type RolloutDecision,
  type RolloutStatus,
  type RoundSummary,
} from '../src/contracts';

/** Who asks and why, for the campaign's history. All optional: the temporal CLI sends none. */
export interface By {
  readonly by?: string;
  readonly reason?: string;
}

/** A person's yes to a batch; the id guards against approving another batch than the one that was read. */
export interface Approval extends By {
  readonly batchId?: string;
}

export const labResults = defineSignal<[LabResultsMessage]>(SIGNALS.labResults);
export const pause = defineSignal<[By?]>(SIGNALS.pause);
export const resume = defineSignal<[By?]>(SIGNALS.resume);
export const stop = defineSignal<[By?]>(SIGNALS.stop);

/** From the campaign's drift watch. */
export const respondToDrift = defineSignal<[RespondToDrift]>(SIGNALS.respondToDrift);

export const submitResults = defineUpdate<{ receipts: Receipt[] }, [LabResultsMessage]>(
  UPDATES.submitResults,
);
export const approveBatch = defineUpdate<{ batchId: string }, [Approval?]>(UPDATES.approveBatch);

export const rollbackData = defineUpdate<DataMoved, [RollbackData]>(UPDATES.rollbackData);
export const rollbackModel = defineUpdate<ModelMoved, [RollbackModel]>(UPDATES.rollbackModel);

/** A person's word on an action of drift that waits for it. */
export const decideDrift = defineUpdate<{ id: string; decision: 'approve' | 'dismiss' }, [DecideDriftInput]>(
  UPDATES.decideDrift,
);

export const status = defineQuery<CampaignStatus>(QUERIES.status);
export const currentBatch = defineQuery<CurrentBatch>(QUERIES.currentBatch);
export const history = defineQuery<CampaignHistory>(QUERIES.history);

/** To a rollout, each as a signal (any client) and as an update (which answers with how it stands then). */
export const approveRollout = defineSignal<[RolloutDecision?]>(ROLLOUT_DECISIONS.approve);
export const rollbackRollout = defineSignal<[RolloutDecision?]>(ROLLOUT_DECISIONS.rollback);
export const approveRolloutNow = defineUpdate<RolloutStatus, [RolloutDecision?]>(ROLLOUT_DECISIONS.approve);
export const rollbackRolloutNow = defineUpdate<RolloutStatus, [RolloutDecision?]>(ROLLOUT_DECISIONS.rollback);
export const rolloutStatus = defineQuery<RolloutStatus>(QUERIES.rollout);

/** From the campaign's own children, not part of the public language. */
export const stageEntered = defineSignal<[{ stage: CampaignStage; message: string }]>('stageEntered');
export const deploymentFinished =
  defineSignal<[{ round: number; deployment: NonNullable<RoundSummary['deployment']> }]>(
    'deploymentFinished',
  );

/** To a campaign's tracking: there is something new to track. */
export const trackingNews = defineSignal('trackingNews');
/** To a campaign's uploads: there are models to be uploaded. */
export const modelUploadsNews = defineSignal('modelUploadsNews');
