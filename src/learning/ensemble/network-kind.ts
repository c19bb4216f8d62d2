import type * as tf from '@tensorflow/tfjs';
import type {
  FeatureMatrix,
  MessagePassingEnsembleSettings,
  MlpEnsembleSettings,
  ModelSettings,
} from '../../contracts';
import type { Random } from '../../foundation';

/** Settings of the families that are ensembles of networks; what they share is what training needs. */
export type EnsembleSettings = MlpEnsembleSettings | MessagePassingEnsembleSettings;
export type EnsembleFamily = EnsembleSettings['family'] & ModelSettings['family'];

/** Feature rows without what only identifies them; what travels to a thread. */
export type FeatureRows = Omit<FeatureMatrix, 'spec' | 'parts'>;

/** How feature rows become a network's input: learnt from the training rows, part of the model. */
export interface Encoding {
  /** Layout and columns of the matrices that it takes. */
  readonly layout: FeatureMatrix['layout'];
  readonly columns: number;
}

/** An encoding as it is stored: a JSON object and arrays whose order the kind of network decides. */
export interface PackedEncoding {
  readonly header: Readonly<Record<string, number | string | readonly number[]>>;
  readonly arrays: readonly (Int32Array | Float32Array)[];
}

/** The last layer of a network: how many outputs, and which of them start at zero (weights and bias). */
export interface OutputLayer {
  readonly outputs: number;
  readonly startsAtZero: (output: number) => boolean;
}

/**
 * What an ensemble has to know about its networks away from the threads that compute: loads no TensorFlow.js.
 * S are the settings of the family, E its encoding.
 */
export interface NetworkPlan<S extends EnsembleSettings = EnsembleSettings, E extends Encoding = Encoding> {
  readonly family: S['family'];
  /** Layouts of features that it can take. */
  readonly layouts: readonly FeatureMatrix['layout'][];
  /** Settings that only this family has; those that all share are checked already. @throws config-invalid */
  checkSettings(settings: S): void;
  /**
   * Shapes of the parameters in the order in which they are stored and passed everywhere. Those of rank 1 are biases: they start
   * at zero and do not decay.
   */
  parameterShapes(settings: S, encoding: E, outputs: number): number[][];
  /** Inputs of an encoded row, for tables. */
  inputs(encoding: E): number;
  packEncoding(encoding: E): PackedEncoding;
  /** @param layout and columns as packed @throws anything when `packed` is not what `packEncoding` gave */
  unpackEncoding(packed: PackedEncoding, layout: Encoding): E;
}

/** A kind of network, in a thread that has chosen its backend. Everything it does is deterministic there. */
export interface NetworkKind<
  S extends EnsembleSettings = EnsembleSettings,
  E extends Encoding = Encoding,
> extends NetworkPlan<S, E> {
  /** @throws numerical when a feature is not a finite number */
  learnEncoding(features: FeatureRows): E;
  /** @param features of the encoding's layout and columns @throws numerical when a feature is not a finite number */
  encode(settings: S, features: FeatureRows, encoding: E): EncodedRows;
}

/** Rows ready to be cut into batches. */
export interface EncodedRows {
  readonly rows: number;
  /** Starting values, in the order and shapes of `parameterShapes`; their spread may depend on the rows. */
  initialParameters(layer: OutputLayer, random: Random): Float32Array[];
  /** Rows in the order given, on the backend; called inside a tidy, which disposes of the tensors. */
  batch(rows: ArrayLike<number>): NetworkBatch;
}

export interface NetworkBatch {
  /** Called inside a tidy. @param dropout left out when predicting, or where nothing is dropped */
  forward(parameters: readonly tf.Tensor[], dropout?: Dropout): NetworkPass;
}

/** A forward pass, with what the way back needs. */
export interface NetworkPass {
  /** [batch, outputs] */
  readonly outputs: tf.Tensor2D;
  /**
   * Gradients by every parameter, in their order, from those by the outputs: the loss is computed outside of TensorFlow.js (in
   * float64, where a censored likelihood is safe), so every kind of network walks its own chain.
   * @param byOutputs [batch, outputs]
   */
  backward(byOutputs: tf.Tensor2D): tf.Tensor[];
}

/** Draws factors for inverted dropout, [rows, units]; asked in the same order in every pass. */
export type Dropout = (rows: number, units: number) => tf.Tensor2D;
