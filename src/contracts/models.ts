import { z } from 'zod';
import type { ArtifactRef } from './artifacts';
import type { FeaturizerSpec } from './features';

export const modelFamilySchema = z.enum(['gaussian-process', 'mlp-ensemble']);
export type ModelFamily = z.infer<typeof modelFamilySchema>;

/** Exact GP, Tanimoto kernel. Amplitude, noise and mean come from the marginal likelihood. */
export interface GaussianProcessSettings {
  readonly family: 'gaussian-process';
  /** Starting values tried by the likelihood search, as noise variance over signal variance. */
  readonly noiseRatios: readonly number[];
}

/** Deep ensemble of heteroscedastic MLPs (mean and log variance heads), Lakshminarayanan et al. 2017. */
export interface MlpEnsembleSettings {
  readonly family: 'mlp-ensemble';
  readonly members: number;
  readonly hidden: readonly number[];
  readonly dropout: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly epochs: number;
}
export type ModelSettings = GaussianProcessSettings | MlpEnsembleSettings;

/** One thing that exploration tries. */
export interface TrialSpec {
  readonly trialId: string;
  readonly settings: ModelSettings;
  readonly featurizer: FeaturizerSpec;
}

/** Held-out figures, in the campaign's unit where they have one. */
export interface RegressionMetrics {
  readonly n: number;
  readonly rmse: number;
  readonly mae: number;
  readonly r2: number;
  readonly spearman: number;
  /** Mean negative log predictive density, nats. */
  readonly nll: number;
  /** Share of held-out values inside the central 90 % interval. */
  readonly coverage90: number;
}

/** Where a model was trained. Part of every cache key: the same bits come only from the same runtime. */
export interface RuntimePin {
  readonly rdkit: string;
  readonly ruleSet: string;
  readonly backend: 'tensorflow-gpu' | 'tensorflow' | 'wasm' | 'cpu';
  readonly backendVersion: string;
  /** e.g. `x64+simd` */
  readonly cpu: string;
  readonly memberThreads: number;
  readonly node: string;
}

export interface TrialResult {
  readonly trialId: string;
  readonly rung: number;
  readonly rows: number;
  readonly metrics: RegressionMetrics;
  /** `float64` for the GP, else the TensorFlow.js backend. */
  readonly backend: string;
  /** Seconds of computing, summed over threads. */
  readonly computeSeconds: number;
}

/** Scale on the predicted standard deviation so that held-out 90 % intervals cover 90 %, and how it was found. */
export interface Calibration {
  readonly scale: number;
  readonly n: number;
  readonly coverage90Before: number;
  readonly coverage90After: number;
}

/** Everything needed to predict with a model and to say where it came from. */
export interface ModelCard {
  readonly campaignId: string;
  readonly round: number;
  readonly property: string;
  readonly unit?: string;
  readonly family: ModelFamily;
  readonly settings: ModelSettings;
  readonly featurizer: FeaturizerSpec;
  readonly weights: ArtifactRef;
  readonly training: ArtifactRef;
  readonly dataVersion: string;
  readonly cutId: string;
  readonly labels: number;
  readonly metrics: RegressionMetrics;
  readonly calibration: Calibration;
  readonly runtime: RuntimePin;
  readonly seed: number;
}

export interface ModelVersion {
  /** `solubility-42/v3` */
  readonly id: string;
  readonly number: number;
  readonly card: ArtifactRef;
}

/** One check before a rollout and what it saw. */
export interface GateVerdict {
  readonly gate: string;
  readonly passed: boolean;
  readonly evidence: string;
}
