import type { ArtifactRef } from './artifacts';
import type { CampaignConfig } from './campaign-config';
import type {
  Calibration,
  ModelMetrics,
  ModelVersion,
  RegressionMetrics,
  Split,
  TrialResult,
  TrialSpec,
} from './models';
import type { Cut, StageTiming } from './stages';
import type { RoundSummary } from './status';

/** A trial whose settings come from an earlier exploration. */
export interface WarmTrial {
  readonly trialId: string;
  readonly campaignId: string;
  readonly round: number;
  /** The trial of that round which had these settings. */
  readonly was: string;
}

/** Which earlier explorations settings were looked for in, and which were taken. */
export interface WarmStartRecord {
  /** sha256 of the record of each round that was read. */
  readonly read: readonly { readonly campaignId: string; readonly round: number; readonly record: string }[];
  readonly trials: readonly WarmTrial[];
  /** Sources that could not be used, and why. */
  readonly notes: readonly string[];
}

/** The study of a tuning service that settings were asked of. */
export interface TunerRecord {
  readonly kind: 'vizier';
  /** Its name as it was asked for; the service adds a hash of the space. */
  readonly study: string;
  /** Trials with settings of the service. */
  readonly trials: readonly string[];
  /** Trials that went no further because the service said so. */
  readonly stopped: readonly string[];
  /** What could not be asked or told, and what was done instead. */
  readonly notes: readonly string[];
}

/** What was held out together, where it was not rows at random. */
export interface SplitRecord {
  /** Of an exploration what was asked for; of an evaluation what was done: 'random' where the labels did not allow it. */
  readonly kind: Split;
  /** Of the labels: molecules without a date, folds that could not be had as asked for, and the like. */
  readonly notes: readonly string[];
}

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
  readonly warmStart?: WarmStartRecord;
  readonly tuner?: TunerRecord;
  readonly split?: SplitRecord;
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
  readonly split?: SplitRecord;
}

/** The model of a further property in one round: settings and features are those of the first one's. */
export interface PropertyRecord {
  readonly property: string;
  /** Null where there were too few labels for a model. */
  readonly evaluation: EvaluationRecord | null;
  readonly weights: ArtifactRef | null;
}

/** Everything a report needs of one round. */
export interface RoundRecord {
  readonly summary: Omit<RoundSummary, 'record'>;
  readonly cut: Cut;
  readonly exploration: ExplorationRecord | null;
  readonly evaluation: EvaluationRecord | null;
  readonly model: ModelVersion | null;
  /** Of each further property, in the order of objective.others; absent where the campaign has one property. */
  readonly others?: readonly PropertyRecord[];
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
  /** The numbers behind it, in plain words; absent of campaigns that ended before this was told. */
  readonly stopWhy?: string;
  readonly rounds: readonly RoundRecord[];
  /** The state of knowledge at the end: every result that came back, also after the last round. */
  readonly finalCut: Cut | null;
}
