import { getExternalWorkflowHandle, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { FeatureSet } from '../activities/featurization';
import {
  stageId,
  type ArtifactRef,
  type CampaignConfig,
  type CampaignStage,
  type Cut,
  type RuntimePin,
  type StageTiming,
} from '../src/contracts';
import type { ProspectsWanted } from '../src/campaign';
import type { ExplorationOutput } from './exploration';
import type { LearntProperty } from './further-properties';
import { stageEntered } from './messages';
import { stageIsAt } from './trace-place';
import type { TrainingOutput } from './training';

export interface LearningCycleInput {
  readonly campaignId: string;
  readonly round: number;
  readonly config: CampaignConfig;
  readonly dataVersion: string;
  /** JSON array of the pool's shards. */
  readonly shards: ArtifactRef;
  /** How many there are; left out, they are scored by one. */
  readonly shardCount?: number;
  /** What this round knows; left out, the cycle fixes it itself. */
  readonly cut?: Cut;
  /** Picks wanted; 0 trains and evaluates without choosing a batch, which is how a campaign ends. */
  readonly batchSize: number;
  /** Money that earlier batches cost, where batches have prices. */
  readonly spent?: number;
  /** Batches after this one that the budget allows; left out: as many as the rounds that are left. */
  readonly roundsLeft?: number;
  /** What the model is asked for because of the campaign's stopping rules; left out where none of them needs a model. */
  readonly prospects?: ProspectsWanted;
  /** It learns because of an action of drift, beside the rounds: what comes of it is on that action's record. */
  readonly answering?: string;
  /** Wall seconds spent before the cycle (ingestion, in the first round). */
  readonly timings?: readonly StageTiming[];
}

/** What the round learnt: nothing while there are too few labels for a model. */
export interface Learnt {
  readonly explored: ExplorationOutput;
  readonly trained: TrainingOutput;
  readonly features: FeatureSet;
  /** Of each further property of the cut; none where there is one. */
  readonly others: readonly LearntProperty[];
}

export interface Round {
  readonly input: LearningCycleInput;
  readonly cut: Cut;
  readonly runtime: RuntimePin;
  readonly time: (stage: string, outcome: { seconds: number; cached: boolean }) => void;
}

/** Id and summary of a stage's own workflow. */
export const child = (stage: string, summary: string) => ({
  workflowId: stageId(workflowInfo().workflowId, stage),
  staticSummary: summary,
});

/** Tells the campaign, when there is one, which stage its round is in. */
export async function announce(stage: CampaignStage, message: string): Promise<void> {
  stageIsAt(stage);
  const { parent } = workflowInfo();
  if (!parent) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId).signal(stageEntered, { stage, message });
  } catch (error) {
    if (isCancellation(error)) throw error;
    // A parent that is gone needs no news.
  }
}
