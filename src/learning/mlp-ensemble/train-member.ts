import * as tf from '@tensorflow/tfjs';
import { TitrateError, type MlpEnsembleSettings } from '../../contracts';
import { createRandom, deriveSeed, type Random } from '../../foundation';
import { AdamW } from '../backends/adamw';
import {
  encodeRows,
  learnEncoding,
  takeRows,
  type EncodedRows,
  type FeatureRows,
  type InputEncoding,
} from './inputs';
import { batchLoss, holdOut, type BatchLoss, type HeldOut, type StandardLabels } from './likelihood';
import {
  backward,
  batchTensors,
  forward,
  initialParameters,
  parameterShapes,
  type NetworkShape,
} from './network';

/** Share of all steps over which the learning rate climbs from zero; afterwards it falls along a cosine to zero. */
const WARM_UP = 0.05;

export interface MemberRequest {
  readonly settings: MlpEnsembleSettings;
  readonly features: FeatureRows;
  /** Standardised; see `standardise`. */
  readonly labels: StandardLabels;
  /** The member's own seed. */
  readonly seed: number;
}

export interface TrainedMember {
  /** The same for every member of one fit. */
  readonly encoding: InputEncoding;
  /** Shapes of {@link parameterShapes}. */
  readonly parameters: Float32Array[];
  /** Mean negative log likelihoods over the last epoch, nats, of standardised targets, dropout on. */
  readonly trainingLoss: number;
  /** The same of the rows held out of the member's mean. */
  readonly heldOutLoss: number;
}

/**
 * Trains one network, start to end in one synchronous run: the thread does nothing else meanwhile.
 * @param cancelled asked before every step
 * @throws numerical when a feature is not finite or the loss diverges; cancelled
 */
export function trainMember(request: MemberRequest, cancelled: () => boolean): TrainedMember {
  const { settings, features, labels, seed } = request;
  const encoding = learnEncoding(features);
  const encoded = encodeRows(features, encoding);
  const shape: NetworkShape = {
    sparse: encoding.sparse.length,
    dense: encoding.dense.length,
    hidden: settings.hidden,
  };
  const initial = initialParameters(shape, inputLength(encoded), createRandom(deriveSeed(seed, 'initial')));
  const shapes = parameterShapes(shape);
  let parameters: tf.Tensor[] = initial.map((values, i) => tf.tensor(values, shapes[i]));
  const optimizer = new AdamW(shapes);
  // Biases do not decay, but for the first layer's, which is a row of its kernel.
  const decay = shapes.map((size) => (size.length === 1 ? 0 : settings.weightDecay));
  const order = createRandom(deriveSeed(seed, 'order'));
  const dropout = createRandom(deriveSeed(seed, 'dropout'));
  const heldOut = holdOut(labels, createRandom(deriveSeed(seed, 'held out')));
  const rowNumbers = Array.from({ length: encoded.rows }, (_, row) => row);
  const batches = Math.ceil(encoded.rows / settings.batchSize);
  const steps = batches * settings.epochs;
  let step = 0;
  let trainingLoss = Number.NaN;
  let heldOutLoss = Number.NaN;
  try {
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      const shuffled = order.shuffle(rowNumbers);
      const sum = { training: 0, heldOut: 0 };
      for (let batch = 0; batch < batches; batch++) {
        if (cancelled())
          throw new TitrateError('cancelled', { what: `Training was cancelled in epoch ${epoch + 1}` });
        // Equal shares instead of a last batch of one row, whose gradient would be mostly noise.
        const rows = shuffled.slice(
          Math.floor((batch * encoded.rows) / batches),
          Math.floor(((batch + 1) * encoded.rows) / batches),
        );
        const { loss, gradients } = lossAndGradients(
          parameters,
          encoded,
          labels,
          heldOut,
          rows,
          settings,
          dropout,
        );
        parameters = optimizer.update(
          parameters,
          gradients,
          settings.learningRate * schedule(step++, steps),
          decay,
        );
        sum.training += loss.training;
        sum.heldOut += loss.heldOut;
      }
      trainingLoss = sum.training / (encoded.rows - heldOut.count);
      heldOutLoss = sum.heldOut / heldOut.count;
      if (!Number.isFinite(trainingLoss + heldOutLoss)) {
        throw new TitrateError('numerical', {
          what: `The loss became ${trainingLoss} in epoch ${epoch + 1} of ${settings.epochs}`,
          where: 'mlp-ensemble training',
          remedy: `Use a learning rate below ${settings.learningRate}`,
        });
      }
    }
    const trained = parameters.map((tensor) => Float32Array.from(tensor.dataSync()));
    return { encoding, parameters: trained, trainingLoss, heldOutLoss };
  } finally {
    tf.dispose(parameters);
    optimizer.dispose();
  }
}

function lossAndGradients(
  parameters: readonly tf.Tensor[],
  encoded: EncodedRows,
  labels: StandardLabels,
  heldOut: HeldOut,
  rows: readonly number[],
  { hidden, dropout: rate }: MlpEnsembleSettings,
  random: Random,
): { loss: BatchLoss; gradients: tf.Tensor[] } {
  let loss: BatchLoss = { training: 0, heldOut: 0 };
  const gradients = tf.tidy(() => {
    const input = batchTensors(takeRows(encoded, rows), parameters[0]!.shape[0]!);
    const masks =
      rate > 0
        ? hidden.map((units) =>
            tf.tensor2d(dropoutMask(rows.length * units, rate, random), [rows.length, units]),
          )
        : undefined;
    const pass = forward(parameters, input, masks);
    const byOutputs = new Float32Array(rows.length * 2);
    loss = batchLoss(pass.outputs.dataSync() as Float32Array, labels, rows, heldOut, byOutputs);
    return backward(parameters, input, pass, tf.tensor2d(byOutputs, [rows.length, 2]), masks);
  });
  return { loss, gradients };
}

/**
 * 0 with probability `rate` (to 1 in 65536), else 1 / (1 - rate): inverted dropout, Srivastava et al. 2014. Drawn here and
 * not by TensorFlow.js so that every backend sees the same masks.
 */
function dropoutMask(size: number, rate: number, random: Random): Float32Array {
  const kept = 1 / (1 - rate);
  const threshold = rate * 65536;
  const mask = new Float32Array(size + (size % 2));
  for (let i = 0; i < size; i += 2) {
    const bits = random.next() * 2 ** 32;
    mask[i] = (bits & 0xffff) < threshold ? 0 : kept;
    mask[i + 1] = bits >>> 16 < threshold ? 0 : kept;
  }
  return mask.subarray(0, size);
}

/** Factor on the learning rate at a step: linear warm-up, then half a cosine. */
function schedule(step: number, steps: number): number {
  const warmUp = Math.max(1, Math.round(WARM_UP * steps));
  if (step < warmUp) return (step + 1) / warmUp;
  return 0.5 * (1 + Math.cos((Math.PI * (step - warmUp)) / Math.max(1, steps - warmUp)));
}

/** Mean squared length of an input row, without the bias. */
function inputLength({ rows, indices, dense }: EncodedRows): number {
  let squares = 0;
  for (const value of dense) squares += value * value;
  return (indices.length - rows + squares) / rows;
}
