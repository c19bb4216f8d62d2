import type { CampaignStage } from '../contracts';

/** Since when a campaign is where it is. Times in ms since the epoch, spans in seconds. */
export interface Clocks {
  readonly stage: CampaignStage;
  readonly stageSince: number;
  readonly round: number;
  readonly roundSince: number;
  /** Machine time of the round so far, without the stage it is in. */
  readonly machineSeconds: number;
  /** Of the last rounds, the last one last. */
  readonly earlier: readonly number[];
}
