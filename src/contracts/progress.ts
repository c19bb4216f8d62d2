import type { CampaignStage } from './status';

/** Name of the memo in which a campaign tells how it stands: read from a list, without asking the workflow. */
export const PROGRESS_MEMO = 'progress';

/** How a campaign stands, with the times that alarms go by. Instants in ISO 8601, by the workflow's own clock. */
export interface CampaignProgress {
  readonly stage: CampaignStage;
  readonly stageSince: string;
  readonly round: number;
  readonly roundSince: string;
  readonly paused: boolean;
  /** Molecules with a result that the last cut used. */
  readonly labels: number;
  /** Molecules of the batch in the lab without a result; 0 without a batch. */
  readonly outstanding: number;
  /** When the batch was approved, and when its results are expected; null without an approved batch. */
  readonly batchSince: string | null;
  readonly dueAt: string | null;
  /** Machine time of the round as expected from the last ones, seconds; 0 before there are any. */
  readonly forecastSeconds: number;
}
