import type {
  FeatureMatrix,
  LearningTask,
  ModelFamily,
  ModelSettings,
  Qualifier,
  RuntimePin,
} from '../contracts';
import type { CancelSignal } from '../foundation';

/** One measured property of the rows. */
export interface TargetColumn {
  /** In the campaign's unit; models standardise for themselves. Classification: 0 or 1. */
  readonly targets: Float64Array;
  readonly qualifiers: readonly Qualifier[];
  /** Measurements averaged into each target: its noise variance is divided by this. */
  readonly replicates: Float64Array;
}

/**
 * Labels and features, row i of one belonging to row i of the other. The columns of the set itself are the property that is
 * wanted; `auxiliary` ones are learnt beside it.
 */
export interface LabelledSet extends TargetColumn {
  readonly features: FeatureMatrix;
  /** Default: regression. */
  readonly task?: LearningTask;
  /** Further properties, of the same task, each of the same length; NaN where one was not measured. */
  readonly auxiliary?: readonly TargetColumn[];
}

/**
 * Per molecule, in the unit of the targets; length = rows. Standard deviations, not variances.
 * Classification: `mean` is the probability of 1; `epistemic` is the standard deviation of that probability, `aleatoric` the
 * root of the mean p (1 - p), so that the total variance is that of the label.
 */
export interface Prediction {
  readonly mean: Float64Array;
  /** What a repeat of the assay would scatter by. */
  readonly aleatoric: Float64Array;
  /** What the model does not know. Total variance = aleatoric^2 + epistemic^2. */
  readonly epistemic: Float64Array;
}

export interface FitRequest {
  readonly settings: ModelSettings;
  readonly labelled: LabelledSet;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/**
 * Which rows of a pool to look for. `score` is larger for the better; of one row, with the other arguments as they are, it only rises or
 * only falls with the mean, and only rises or only falls with the epistemic deviation (expected improvement, its logarithm, probability
 * of improvement, confidence bounds, mean, deviation and information all do; the probability of lying in a range does not).
 */
export interface BestRequest {
  readonly count: number;
  /** Rows that score less are not looked for: the count-th best score so far, where parts of a pool are searched in turn. */
  readonly floor?: number;
  /** Of numbers as `Prediction` has them. */
  readonly score: (mean: number, epistemic: number, aleatoric: number) => number;
}

/** The rows found, with exact numbers. */
export interface BestRows {
  /** Ascending: all rows that score at least as much as the count-th best one (ties with it too) and as the floor. */
  readonly rows: Uint32Array;
  readonly scores: Float64Array;
  /** Of these rows, what `predict` gives. */
  readonly prediction: Prediction;
  /** Rows whose variance was computed; all others could not score enough, by a bound that is proven. */
  readonly evaluated: number;
}

export interface FittedModel {
  readonly family: ModelFamily;
  /** `float64` for the GP, else the TensorFlow.js backend that trained it. */
  readonly backend: string;
  /** Seconds of computing the fit took, summed over threads. */
  readonly computeSeconds: number;
  /** What was learnt, for tables: hyperparameters, log marginal likelihood, epochs, last losses. */
  readonly facts: Readonly<Record<string, number | string>>;
  predict(features: FeatureMatrix, signal?: CancelSignal): Promise<Prediction>;
  /** All properties: the wanted one, then the auxiliary ones in their order. */
  predictAll(features: FeatureMatrix, signal?: CancelSignal): Promise<Prediction[]>;
  /**
   * Joint covariance of the noise-free function at the rows, rows x rows, row-major, symmetric, in squared units; its diagonal
   * is epistemic^2. @throws usage above COVARIANCE_MAX_ROWS rows.
   */
  covariance(features: FeatureMatrix, signal?: CancelSignal): Promise<Float64Array>;
  /** The rows that `predict` and sorting would find, without computing the variance of rows that cannot be among them. */
  best?(features: FeatureMatrix, request: BestRequest, signal?: CancelSignal): Promise<BestRows>;
  /**
   * Covariance of the noise-free function between each row and each of the others, rows x others, row-major, in squared units.
   * @throws usage above COVARIANCE_MAX_ROWS^2 pairs.
   */
  crossCovariance?(
    features: FeatureMatrix,
    others: FeatureMatrix,
    signal?: CancelSignal,
  ): Promise<Float64Array>;
  /** `count` joint draws of the noise-free function at the rows; result[k] has one value a row. */
  sample(
    features: FeatureMatrix,
    count: number,
    seed: number,
    signal?: CancelSignal,
  ): Promise<Float64Array[]>;
  /** Self-contained bytes; `Learning.load` gives back a model that predicts the same numbers. */
  serialise(): Promise<Uint8Array>;
  dispose(): void;
}

/** Most rows of one joint covariance: 128 MB. */
export const COVARIANCE_MAX_ROWS = 4000;

/** One family behind the common interface. */
export interface ModelFamilyAdapter {
  readonly family: ModelFamily;
  fit(request: FitRequest): Promise<FittedModel>;
  load(bytes: Uint8Array): Promise<FittedModel>;
  close(): Promise<void>;
}

/** All families. CPU work runs in worker threads: the caller's event loop stays free for heartbeats. */
export interface Learning {
  runtime(): Promise<Pick<RuntimePin, 'backend' | 'backendVersion' | 'cpu' | 'memberThreads'>>;
  /** @throws labels-insufficient, numerical, cancelled. The same request on the same runtime gives the same bits. */
  fit(request: FitRequest): Promise<FittedModel>;
  load(family: ModelFamily, bytes: Uint8Array): Promise<FittedModel>;
  close(): Promise<void>;
}
