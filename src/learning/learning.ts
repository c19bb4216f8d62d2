import type { FeatureMatrix, ModelFamily, ModelSettings, Qualifier, RuntimePin } from '../contracts';

/** Labels and features, row i of one belonging to row i of the other. */
export interface LabelledSet {
  readonly features: FeatureMatrix;
  /** In the campaign's unit; models standardise for themselves. */
  readonly targets: Float64Array;
  readonly qualifiers: readonly Qualifier[];
  /** Measurements averaged into each target: its noise variance is divided by this. */
  readonly replicates: Float64Array;
}

/** Per molecule, in the unit of the targets; length = rows. Standard deviations, not variances. */
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

export interface FittedModel {
  readonly family: ModelFamily;
  /** `float64` for the GP, else the TensorFlow.js backend that trained it. */
  readonly backend: string;
  /** Seconds of computing the fit took, summed over threads. */
  readonly computeSeconds: number;
  /** What was learnt, for tables: hyperparameters, log marginal likelihood, epochs, last losses. */
  readonly facts: Readonly<Record<string, number | string>>;
  predict(features: FeatureMatrix, signal?: AbortSignal): Promise<Prediction>;
  /** `count` joint draws of the noise-free function at the rows; result[k] has one value a row. */
  sample(features: FeatureMatrix, count: number, seed: number, signal?: AbortSignal): Promise<Float64Array[]>;
  /** Self-contained bytes; `Learning.load` gives back a model that predicts the same numbers. */
  serialise(): Promise<Uint8Array>;
  dispose(): void;
}

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
