import type { ArtifactRef } from './artifacts';
import type { ControlRequest } from './drift-watch';
import type { BatchSheet } from './lab';
import type { GateVerdict, ModelFamily, RegressionMetrics } from './models';
import type { TrialVerdict, VersionFigures } from './rollout';
import type { Prospects, StopReason } from './stopping';

export const CAMPAIGN_STAGES = [
  'starting',
  'ingesting',
  'featurizing',
  'exploring',
  'training',
  'acquiring',
  'rolling-out',
  'awaiting-approval',
  'awaiting-results',
  'paused',
  'finished',
] as const;
export type CampaignStage = (typeof CAMPAIGN_STAGES)[number];

/** The molecules that no other measured one beats in every property, and what they cover of what can be had. */
export interface FrontSummary {
  readonly size: number;
  /** Volume between the front and the reference point, in the product of the properties' units. */
  readonly hypervolume: number;
  /** The reference point, by property, the first one first. */
  readonly reference: readonly number[];
}

/** What a round knew of a further property, and how well its model predicts molecules it has not seen. */
export interface PropertySummary {
  readonly property: string;
  readonly labels: number;
  readonly failed: number;
  readonly censored: number;
  /** Null where there were too few labels for a model. */
  readonly metrics: RegressionMetrics | null;
}

/** One finished or running round, as `history` tells it. */
export interface RoundSummary {
  readonly round: number;
  readonly cutId: string;
  readonly labels: number;
  readonly failed: number;
  readonly abandoned: number;
  readonly censored: number;
  readonly best: number | null;
  readonly family: ModelFamily | null;
  readonly featurizer: string | null;
  /** TensorFlow.js backend of the round: networks are trained on it. A Gaussian process computes in float64 whatever it is. */
  readonly backend: string | null;
  readonly metrics: RegressionMetrics | null;
  readonly modelVersion: string | null;
  readonly deployment: {
    /** superseded: a later round's model was rolled out first. rolled-back: withdrawn while it was on trial. */
    readonly status: 'deployed' | 'held' | 'superseded' | 'failed' | 'rolled-back' | 'off';
    readonly gates: readonly GateVerdict[];
    readonly message: string;
    /** What it was judged by while it was on trial, in its last step. */
    readonly verdicts?: readonly TrialVerdict[];
    readonly figures?: readonly VersionFigures[];
  } | null;
  readonly batchId: string | null;
  readonly batchSize: number;
  /** What chose the batch, and why that, in plain words; absent where no batch was chosen, and of rounds before this was told. */
  readonly chosenBy?: { readonly strategy: string; readonly why: string };
  /** What the model expected of the molecules left, where the campaign's stopping rules ask. */
  readonly prospects?: Prospects;
  /** Further properties and the front over all of them; absent where the campaign has one property. */
  readonly others?: readonly PropertySummary[];
  readonly front?: FrontSummary | null;
  readonly seal: string | null;
  /** The full record of the round (exploration table, timings, sheet): an artifact of RoundRecord. */
  readonly record: ArtifactRef | null;
}

/** Answer of the query `status`. */
export interface CampaignStatus {
  readonly campaignId: string;
  readonly title: string;
  readonly stage: CampaignStage;
  readonly round: number;
  readonly rounds: number;
  readonly poolSize: number;
  readonly dataVersion: string | null;
  /** Number of the data branch in force; null while the data were never moved by rollbackData. */
  readonly dataBranch: number | null;
  readonly labels: number;
  readonly best: number | null;
  /** Of the round in work; null before any molecule has every value, absent where the campaign has one property. */
  readonly front?: FrontSummary | null;
  readonly modelVersion: string | null;
  /** Version that rollbackModel holds in production; null while rollouts may move it. */
  readonly heldModel: string | null;
  readonly batchId: string | null;
  /** Picks of the current batch, and those without a terminal outcome yet. */
  readonly batchSize: number;
  readonly outstanding: number;
  readonly intake: {
    readonly received: number;
    readonly accepted: number;
    readonly duplicates: number;
    readonly rejected: number;
  };
  readonly stopReason: StopReason | null;
  /** The numbers behind it, in plain words. */
  readonly stopWhy?: string | null;
  readonly message: string;
}

/** Answer of the query `currentBatch`: up to 500 picks inline, else only the reference. */
export interface CurrentBatch {
  readonly batchId: string | null;
  readonly sheet: BatchSheet | null;
  readonly ref: ArtifactRef | null;
  readonly approved: boolean;
  /** Molecules to be measured again beside it, because values are in doubt; absent where none are. */
  readonly controls?: ControlRequest;
}
export const INLINE_PICKS = 500;

/** Answer of the query `history`. */
export interface CampaignHistory {
  readonly rounds: readonly RoundSummary[];
  readonly events: readonly CampaignEvent[];
}

/** Something a person or a lab did, with who and why where known. */
export interface CampaignEvent {
  readonly at: string;
  readonly kind: string;
  readonly message: string;
}

/** What a campaign returns when it ends. */
export interface CampaignOutcome {
  readonly campaignId: string;
  readonly stopReason: StopReason;
  readonly stopWhy?: string;
  readonly rounds: number;
  readonly labelled: number;
  readonly poolSize: number;
  readonly best: number | null;
  /** Absent where the campaign has one property. */
  readonly front?: FrontSummary | null;
  readonly modelVersion: string | null;
  readonly report: ArtifactRef | null;
}
