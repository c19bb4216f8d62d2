import type { ArtifactRef } from './artifacts';
import type { CampaignConfig } from './campaign-config';
import type {
  Calibration,
  ModelMetrics,
  ModelVersion,
  RegressionMetrics,
  TrialResult,
  TrialSpec,
} from './models';
import type { Cut, StageTiming } from './stages';
import type { RoundSummary } from './status';

/** What exploration tried, rung by rung, and what it chose. */
export interface ExplorationRecord<M extends ModelMetrics = RegressionMetrics> {
  /** Labels in the downscaled set, and in all. */
  readonly subsetRows: number;
  readonly labels: number;
  readonly folds: number;
  readonly rungs: readonly {
    readonly rung: number;
    readonly effort: number;
    readonly trials: readonly string[];
  }[];
  readonly trials: readonly TrialSpec[];
  readonly results: readonly TrialResult<M>[];
  /** Trials that failed, in words; they take no further part. */
  readonly failures: readonly { readonly trialId: string; readonly message: string }[];
  readonly chosen: TrialSpec;
  readonly rule: string;
  /** Why the downscaled set is as large as it is, where that was found by learning curves. */
  readonly downscaling?: string;
}

/** One held-out prediction (NDJSON): made by a model that had not seen the molecule, calibrated interval. */
export interface HeldOutPrediction {
  readonly moleculeId: string;
  readonly smiles: string;
  readonly observed: number;
  readonly predicted: number;
  readonly standardDeviation: number;
  readonly interval90: readonly [number, number];
}

export interface EvaluationRecord {
  readonly metrics: RegressionMetrics;
  readonly calibration: Calibration;
  /** NDJSON of HeldOutPrediction, sorted by moleculeId. */
  readonly predictions: ArtifactRef;
  readonly backend: string;
  readonly computeSeconds: number;
}

/** Everything a report needs of one round. */
export interface RoundRecord {
  readonly summary: Omit<RoundSummary, 'record'>;
  readonly cut: Cut;
  readonly exploration: ExplorationRecord | null;
  readonly evaluation: EvaluationRecord | null;
  readonly model: ModelVersion | null;
  /** BatchSheet. */
  readonly sheet: ArtifactRef | null;
  readonly timings: readonly StageTiming[];
}

/** What a report is made from: the object store holds all of it. */
export interface CampaignRecord {
  readonly campaignId: string;
  readonly config: CampaignConfig;
  readonly poolSize: number;
  readonly stopReason: string | null;
  readonly rounds: readonly RoundRecord[];
  /** The state of knowledge at the end: every result that came back, also after the last round. */
  readonly finalCut: Cut | null;
}
