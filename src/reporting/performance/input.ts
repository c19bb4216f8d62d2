import type { CampaignRecord, RoundWork, TrainingRow } from '../../contracts';

/** What the campaign ran on. */
export interface Installation {
  readonly profile: 'local' | 'gcp';
  /** Of the machine that all workers share; null where they are machines of their own. */
  readonly cores: number | null;
  readonly threads: { readonly chemistry: number; readonly learning: number };
  readonly training: 'local' | 'vertex';
  /** Accelerators of a training job. */
  readonly acceleratorCount: number;
}

/** USD; see src/platform/capacity, which has the prices. */
export interface MachineRates {
  readonly featurizationCoreHour: number;
  readonly learningMachineHour: number;
  /** That a learning machine is kept after a round, seconds. */
  readonly idleSeconds: number;
}

/** Everything that the performance of a campaign is told from. */
export interface PerformanceInput {
  readonly record: CampaignRecord;
  /** Of the rounds whose work is known. */
  readonly work: readonly RoundWork[];
  /** CPU-seconds that a model of capacity expects, by stage. */
  readonly forecast: readonly { readonly round: number; readonly stages: Readonly<Record<string, number>> }[];
  readonly rates: MachineRates;
  readonly installation: Installation;
  /** Training table of the last cut. */
  readonly training: readonly TrainingRow[];
  /** Prices of the molecules of each batch, in the campaign's own currency; null where they have none. */
  readonly assays: number | null;
}
