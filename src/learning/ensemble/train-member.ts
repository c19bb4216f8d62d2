import * as tf from '@tensorflow/tfjs';
import { TitrateError } from '../../contracts';
import { createRandom, deriveSeed } from '../../foundation';
import { AdamW } from '../backends/adamw';
import { createDropout } from './dropout';
import { EarlyStopping } from './early-stopping';
import { createHead, type Head } from './head';
import { holdOut } from './hold-out';
import { networkKind } from './kinds';
import type { BatchLoss } from './loss';
import type { Dropout, EncodedRows } from './network-kind';
import type { MemberRequest, TrainedMember } from './protocol';
import { schedule } from './schedule';

/** Rows of one forward pass outside of training: bounds its memory. */
const EVALUATION_ROWS = 1024;

/**
 * Trains one network, start to end in one synchronous run: the thread does nothing else meanwhile. The weights are those of the
 * epoch with the least error on the rows held out, where there are enough of them.
 * @param cancelled asked before every step
 * @throws numerical when a feature is not finite or the loss diverges; cancelled
 */
export function trainMember(request: MemberRequest, cancelled: () => boolean): TrainedMember {
  const { settings, task, features, labels, seed } = request;
  const kind = networkKind(settings.family);
  const encoding = kind.learnEncoding(features);
  const encoded = kind.encode(settings, features, encoding);
  const heldOut = labels.map((column, i) =>
    holdOut(column, createRandom(deriveSeed(seed, 'held out', ...(i > 0 ? [i] : []))), task),
  );
  const head = createHead(task, labels, heldOut);
  const shapes = kind.parameterShapes(settings, encoding, head.layer.outputs);
  const initial = encoded.initialParameters(head.layer, createRandom(deriveSeed(seed, 'initial')));
  let parameters: tf.Tensor[] = initial.map((values, i) => tf.tensor(values, shapes[i]));
  const optimizer = new AdamW(shapes);
  // Biases do not decay, but for those that are a row of their kernel.
  const decay = shapes.map((size) => (size.length === 1 ? 0 : settings.weightDecay));
  const order = createRandom(deriveSeed(seed, 'order'));
  const dropout = createDropout(settings.dropout, createRandom(deriveSeed(seed, 'dropout')));
  const rowNumbers = Array.from({ length: encoded.rows }, (_, row) => row);
  const judges = rowNumbers.filter((row) => heldOut.some(({ rows }) => rows[row] === 1));
  const stopping = new EarlyStopping(head.count.heldOut, settings.epochs);
  const batches = Math.ceil(encoded.rows / settings.batchSize);
  const steps = batches * settings.epochs;
  let step = 0;
  let mean: BatchLoss = { training: Number.NaN, heldOut: Number.NaN };
  let best = mean;
  try {
    for (let epoch = 1; epoch <= settings.epochs; epoch++) {
      const shuffled = order.shuffle(rowNumbers);
      const sum = { training: 0, heldOut: 0 };
      for (let batch = 0; batch < batches; batch++) {
        if (cancelled())
          throw new TitrateError('cancelled', { what: `Training was cancelled in epoch ${epoch}` });
        // Equal shares instead of a last batch of one row, whose gradient would be mostly noise.
        const rows = shuffled.slice(
          Math.floor((batch * encoded.rows) / batches),
          Math.floor(((batch + 1) * encoded.rows) / batches),
        );
        const { loss, gradients } = lossAndGradients(parameters, encoded, head, rows, dropout);
        const rate = settings.learningRate * schedule(step++, steps);
        parameters = optimizer.update(parameters, gradients, rate, decay);
        sum.training += loss.training;
        sum.heldOut += loss.heldOut;
      }
      mean = {
        training: sum.training / head.count.training,
        heldOut: head.count.heldOut > 0 ? sum.heldOut / head.count.heldOut : 0,
      };
      if (!Number.isFinite(mean.training + mean.heldOut)) {
        throw new TitrateError('numerical', {
          what: `The loss became ${mean.training} in epoch ${epoch} of ${settings.epochs}`,
          where: `${settings.family} training`,
          remedy: `Use a learning rate below ${settings.learningRate}`,
        });
      }
      if (!stopping.active) continue;
      const ended = stopping.after(epoch, heldOutError(parameters, encoded, head, judges), parameters);
      if (stopping.epoch === epoch) best = mean;
      if (ended) break;
    }
    const kept = stopping.active ? best : mean;
    const trained = stopping.restore(parameters);
    return {
      encoding,
      parameters: trained,
      logitScales: task === 'classification' ? head.logitScales(outputsOf(trained, shapes, encoded)) : [],
      bestEpoch: stopping.epoch ?? settings.epochs,
      trainingLoss: kept.training,
      heldOutLoss: kept.heldOut,
    };
  } finally {
    tf.dispose(parameters);
    optimizer.dispose();
  }
}

function lossAndGradients(
  parameters: readonly tf.Tensor[],
  encoded: EncodedRows,
  head: Head,
  rows: readonly number[],
  dropout: Dropout | undefined,
): { loss: BatchLoss; gradients: tf.Tensor[] } {
  let loss: BatchLoss = { training: 0, heldOut: 0 };
  const gradients = tf.tidy(() => {
    const pass = encoded.batch(rows).forward(parameters, dropout);
    const byOutputs = new Float32Array(rows.length * head.layer.outputs);
    loss = head.loss(pass.outputs.dataSync() as Float32Array, rows, byOutputs);
    return pass.backward(tf.tensor2d(byOutputs, [rows.length, head.layer.outputs]));
  });
  return { loss, gradients };
}

/** Sum over the held-out labels of the rows. */
function heldOutError(
  parameters: readonly tf.Tensor[],
  encoded: EncodedRows,
  head: Head,
  rows: readonly number[],
): number {
  let sum = 0;
  eachPart(parameters, encoded, rows, (part, outputs) => (sum += head.heldOutError(outputs, part)));
  return sum;
}

/** Outputs of all rows, [rows, outputs]. */
function outputsOf(
  trained: readonly Float32Array[],
  shapes: readonly number[][],
  encoded: EncodedRows,
): Float32Array {
  const parameters = trained.map((values, i) => tf.tensor(values, shapes[i]));
  const rows = Array.from({ length: encoded.rows }, (_, row) => row);
  const all: number[] = [];
  eachPart(parameters, encoded, rows, (_, outputs) => all.push(...outputs));
  tf.dispose(parameters);
  return Float32Array.from(all);
}

/** Passes the rows through the network part by part, without dropout. */
function eachPart(
  parameters: readonly tf.Tensor[],
  encoded: EncodedRows,
  rows: readonly number[],
  take: (part: readonly number[], outputs: Float32Array) => void,
): void {
  for (let from = 0; from < rows.length; from += EVALUATION_ROWS) {
    const part = rows.slice(from, from + EVALUATION_ROWS);
    const outputs = tf.tidy(() => encoded.batch(part).forward(parameters).outputs.dataSync() as Float32Array);
    take(part, outputs);
  }
}
