import { z } from 'zod';
import type { ArtifactRef } from './artifacts';
import type { FeaturizerSpec } from './features';

export const modelFamilySchema = z.enum([
  'gaussian-process',
  'mlp-ensemble',
  'message-passing-ensemble',
  'random-forest',
  'stack',
]);
export type ModelFamily = z.infer<typeof modelFamilySchema>;

/**
 * GP with the Tanimoto (MinMax) kernel, mixed with one on descriptors where counts come with them. Amplitude, noise, mean and mix come
 * from the marginal likelihood.
 */
export interface GaussianProcessSettings {
  readonly family: 'gaussian-process';
  /** Starting values tried by the likelihood search, as noise variance over signal variance. */
  readonly noiseRatios: readonly number[];
  /** Labels up to which the GP is exact; above, it keeps to inducing molecules. Default 5,000. */
  readonly exactRows?: number;
  /** Inducing molecules of the sparse form, at most. Default: as many as 512 MB allow, 2,048 at most. */
  readonly inducing?: number;
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

/** Ensemble of directed message-passing networks on molecular graphs (Yang et al. 2019, J. Chem. Inf. Model. 59, 3370). */
export interface MessagePassingEnsembleSettings {
  readonly family: 'message-passing-ensemble';
  readonly members: number;
  /** Width of the messages along bonds. */
  readonly messageSize: number;
  /** Message-passing steps. */
  readonly depth: number;
  /** Hidden layers of the head. */
  readonly hidden: readonly number[];
  readonly dropout: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly epochs: number;
}

/** Random forest (Breiman 2001, Machine Learning 45, 5), its trees grown on bootstrap samples to the end. */
export interface RandomForestSettings {
  readonly family: 'random-forest';
  readonly trees: number;
  /** Bits and counts tried at a node: a share of them, or the root of their number. */
  readonly maxFeatures: number | 'sqrt';
  /**
   * Descriptors tried beside them, likewise. Default: a third for a regression and the root for classes (Liaw and Wiener 2002, R News
   * 2(3), 18); among thousands of counts they would hardly ever be drawn.
   */
  readonly maxDescriptors?: number | 'sqrt';
  /** Least rows of a leaf. */
  readonly minLeaf: number;
}

/** A model that a stack combines: its settings, and which part of the bundle of features it reads. */
export interface StackedModel {
  readonly settings: BaseModelSettings;
  /** Index into the parts of the bundle; 0 where the features are no bundle. */
  readonly part: number;
}

/** Convex combination of models, its weights from out-of-fold predictions (Wolpert 1992, Neural Networks 5, 241). */
export interface StackSettings {
  readonly family: 'stack';
  readonly models: readonly StackedModel[];
  /** Folds of the out-of-fold predictions that the weights come from. */
  readonly folds: number;
  /** Weights that were found before, one a model, summing to 1; left out, a fit finds them. */
  readonly weights?: readonly number[];
}

export type BaseModelSettings =
  GaussianProcessSettings | MlpEnsembleSettings | MessagePassingEnsembleSettings | RandomForestSettings;
export type ModelSettings = BaseModelSettings | StackSettings;

export const learningTaskSchema = z.enum(['regression', 'classification']);
/** `classification` is binary: targets are 0 and 1, and a prediction's mean is the probability of 1. */
export type LearningTask = z.infer<typeof learningTaskSchema>;

export const splitSchema = z.enum(['random', 'scaffold', 'time']);
/**
 * What is held out together: rows at random (stratified by target), whole Bemis-Murcko scaffolds, or what was measured later than
 * everything that the model was trained on.
 */
export type Split = z.infer<typeof splitSchema>;

/** One thing that exploration tries. */
export interface TrialSpec {
  readonly trialId: string;
  readonly settings: ModelSettings;
  readonly featurizer: FeaturizerSpec;
}

/** Lower and upper end. */
export type Interval = readonly [number, number];

/** Held-out figures, in the campaign's unit where they have one. */
export interface RegressionMetrics {
  readonly task?: 'regression';
  readonly n: number;
  readonly rmse: number;
  readonly mae: number;
  readonly r2: number;
  readonly spearman: number;
  /** Mean negative log predictive density, nats. */
  readonly nll: number;
  /** Share of held-out values inside the central 90 % interval. */
  readonly coverage90: number;
  /** 95 % intervals, where they were asked for. */
  readonly intervals?: Partial<
    Readonly<Record<'rmse' | 'mae' | 'r2' | 'spearman' | 'nll' | 'coverage90', Interval>>
  >;
}

/** Held-out figures of predicted probabilities of the class 1. */
export interface ClassificationMetrics {
  readonly task: 'classification';
  readonly n: number;
  readonly positives: number;
  /** Area under the precision-recall curve, as average precision; a ranking without knowledge has the share of positives. */
  readonly auprc: number;
  /** Area under the receiver operating characteristic: how often a positive ranks above a negative. */
  readonly auroc: number;
  /** Mean squared difference of probability and class. */
  readonly brier: number;
  /** Mean negative log likelihood, nats. */
  readonly logLoss: number;
  /** Expected calibration error: mean gap of probability and share of positives over ten bins of equal size. */
  readonly calibrationError: number;
  /** 95 % intervals, where they were asked for. */
  readonly intervals?: Partial<Readonly<Record<'auprc' | 'auroc' | 'brier' | 'logLoss', Interval>>>;
}

export type ModelMetrics = RegressionMetrics | ClassificationMetrics;

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

export interface TrialResult<M extends ModelMetrics = RegressionMetrics> {
  readonly trialId: string;
  readonly rung: number;
  readonly rows: number;
  readonly metrics: M;
  /** `float64` for the GP, else the TensorFlow.js backend. */
  readonly backend: string;
  /** Seconds of computing, summed over threads. */
  readonly computeSeconds: number;
  /** What to know of its folds, where they were not drawn at random. */
  readonly notes?: readonly string[];
}

/** Scale on the predicted standard deviation so that held-out 90 % intervals cover 90 %, and how it was found. */
export interface Calibration {
  readonly scale: number;
  readonly n: number;
  readonly coverage90Before: number;
  readonly coverage90After: number;
}

/** Platt scaling: the calibrated logit of a probability is slope * logit + intercept, and how it was found. */
export interface ProbabilityCalibration {
  readonly task: 'classification';
  readonly slope: number;
  readonly intercept: number;
  readonly n: number;
  readonly logLossBefore: number;
  readonly logLossAfter: number;
}

export type ModelCalibration = Calibration | ProbabilityCalibration;

/**
 * Where a model's evidence ends: similarity is Tanimoto's on ECFP4 (2,048 bits) to the nearest training molecule. A molecule
 * below the threshold is further from the training set than 95 % of the molecules that the model was judged on.
 */
export interface Applicability {
  readonly threshold: number;
  /** Held-out molecules in runs of equal size by similarity, ascending, with what the model's error was there. */
  readonly bins: readonly {
    readonly similarity: Interval;
    readonly n: number;
    /** Root mean squared error in the unit of the property; for classes the Brier score's root. */
    readonly error: number;
  }[];
}

/** Everything needed to predict with a model and to say where it came from. */
export interface ModelCard {
  readonly task?: 'regression';
  readonly campaignId: string;
  readonly round: number;
  readonly property: string;
  readonly unit?: string;
  readonly family: ModelFamily;
  readonly settings: ModelSettings;
  readonly featurizer: FeaturizerSpec;
  readonly weights: ArtifactRef;
  readonly training: ArtifactRef;
  /** NDJSON of HeldOutPrediction: what the metrics were computed from. */
  readonly heldOut?: ArtifactRef;
  /** JSON of FeaturisedShard: the features it was trained on, as they were stored then. */
  readonly features?: ArtifactRef;
  readonly dataVersion: string;
  readonly cutId: string;
  readonly labels: number;
  /** What the folds of metrics and calibration held out, where it was not molecules at random. */
  readonly split?: Split;
  readonly metrics: RegressionMetrics;
  readonly calibration: Calibration;
  readonly applicability?: Applicability;
  readonly runtime: RuntimePin;
  readonly seed: number;
  /** Version of titrate that trained it. */
  readonly code?: string;
  /** Figures on molecules that somebody set aside before training. */
  readonly test?: {
    /** Of the bytes of the file they stand in. */
    readonly sha256: string;
    readonly metrics: RegressionMetrics;
  };
}

/** The card of a binary classifier. */
export interface ClassificationCard extends Omit<ModelCard, 'task' | 'metrics' | 'calibration' | 'test'> {
  readonly task: 'classification';
  readonly metrics: ClassificationMetrics;
  readonly test?: { readonly sha256: string; readonly metrics: ClassificationMetrics };
  readonly calibration: ProbabilityCalibration;
}

export type TrainedCard = ModelCard | ClassificationCard;

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
