import * as tf from '@tensorflow/tfjs';
import { featurizerSchema, type MlpEnsembleSettings } from '../../src/contracts';
import { createRandom, sha256 } from '../../src/foundation';
import { AdamW } from '../../src/learning/backends/adamw';
import { gatherSum } from '../../src/learning/backends/gather-sum';
import { reluGradient } from '../../src/learning/backends/relu-gradient';
import { selectBackend } from '../../src/learning/backends/select';
import { standardise } from '../../src/learning/ensemble/labels';
import { trainMember } from '../../src/learning/ensemble/train-member';
import { createMlpEnsemble } from '../../src/learning/mlp-ensemble';
import type { LabelledSet } from '../../src/learning';

/** A property that is the number of on-bits among the first eight, with a little noise. */
function labelledSet(rows: number, seed: number): LabelledSet {
  const random = createRandom(seed);
  const columns = 64;
  const data = new Uint8Array((rows * columns) / 8).map(() => random.below(256));
  const count = (byte: number) => [...byte.toString(2)].filter((bit) => bit === '1').length;
  const targets = Float64Array.from(
    { length: rows },
    (_, row) => count(data[row * 8]!) + 0.1 * random.normal(),
  );
  const spec = featurizerSchema.parse({ kind: 'morgan', bits: columns });
  const moleculeIds = Array.from({ length: rows }, (_, row) => `m${row}`);
  return {
    features: { spec, moleculeIds, rows, columns, layout: 'bits', data },
    targets,
    qualifiers: moleculeIds.map(() => '=' as const),
    replicates: new Float64Array(rows).fill(1),
  };
}

/** Largest difference between weights after some updates on the current backend and by the formula in float64. */
function adamwError(): number {
  const random = createRandom(8);
  const [rate, decay] = [0.01, 0.1];
  const values = Array.from({ length: 37 }, () => random.normal());
  const [mean, square] = [values.map(() => 0), values.map(() => 0)];
  const optimizer = new AdamW([[37]]);
  let weight: tf.Tensor = tf.tensor1d(values);
  for (let step = 1; step <= 4; step++) {
    const gradient = values.map(() => random.normal());
    [weight] = optimizer.update([weight], [tf.tensor1d(gradient)], rate, [decay]) as [tf.Tensor];
    gradient.forEach((g, i) => {
      mean[i] = 0.9 * mean[i]! + 0.1 * g;
      square[i] = 0.999 * square[i]! + 0.001 * g * g;
      const corrected = Math.sqrt(square[i]! / (1 - 0.999 ** step));
      values[i] =
        values[i]! * (1 - rate * decay) - (rate * mean[i]!) / (1 - 0.9 ** step) / (corrected + 1e-8);
    });
  }
  const error = Math.max(...Array.from(weight.dataSync(), (w, i) => Math.abs(w - values[i]!)));
  weight.dispose();
  optimizer.dispose();
  return error;
}

/** What the operations that are called past TensorFlow.js do in this thread: errors, and tensors left by repeated fits. */
async function operations(train: LabelledSet, settings: MlpEnsembleSettings) {
  await selectBackend('tensorflow');
  const { features } = train;
  const request = {
    settings: { ...settings, epochs: 2 },
    task: 'regression' as const,
    features,
    labels: [standardise(train).labels],
    seed: 1,
  };
  trainMember(request, () => false);
  const before = tf.memory().numTensors;
  const adamw = adamwError();
  for (let i = 0; i < 3; i++) trainMember(request, () => false);
  const tensors = tf.memory().numTensors - before;
  const summed = tf.tidy(() => {
    const data = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const sum = tf.sparse.sparseSegmentSum(
      data,
      tf.tensor1d([0, 2, 1], 'int32'),
      tf.tensor1d([0, 0, 1], 'int32'),
    );
    return [...sum.dataSync()];
  });
  const rectified = tf.tidy(() => [
    ...reluGradient(tf.tensor2d([1, -2, 3, 4], [1, 4]), tf.tensor2d([0.5, 2, 0, 1e-30], [1, 4])).dataSync(),
  ]);
  // An empty list in the middle and one at the end.
  const lists = { offsets: Int32Array.from([0, 2, 2, 3, 3]), indices: Int32Array.from([2, 0, 1]) };
  const gathered = tf.tidy(() => [...gatherSum(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), lists).dataSync()]);
  return { adamw, tensors, summed, rectified, gathered };
}

/** `node dist/tests/support/native-ensemble.js`, with NODE_PATH to a native TensorFlow: trains on it and prints what came out. */
async function main(): Promise<void> {
  const train = labelledSet(200, 1);
  const held = labelledSet(100, 2);
  const settings = {
    ...{
      family: 'mlp-ensemble' as const,
      members: 2,
      hidden: [32],
      dropout: 0,
      learningRate: 3e-3,
      weightDecay: 1e-4,
    },
    ...{ batchSize: 16, epochs: 40 },
  };
  const hashes: string[] = [];
  let errors = { model: 0, mean: 0 };
  let backend = '';
  for (const threads of [1, 2]) {
    const ensemble = createMlpEnsemble({ threads, backend: 'tensorflow' });
    const model = await ensemble.fit({ settings, labelled: train, seed: 5 });
    const bytes = await model.serialise();
    hashes.push(sha256(bytes));
    backend = model.backend;
    const { mean } = await model.predict(held.features);
    const reloaded = await ensemble.load(bytes);
    const again = await reloaded.predict(held.features);
    hashes.push(sha256(Buffer.from(mean.buffer)), sha256(Buffer.from(again.mean.buffer)));
    const average = train.targets.reduce((sum, y) => sum + y / train.targets.length, 0);
    const rmse = (predicted: (i: number) => number) =>
      Math.sqrt(held.targets.reduce((sum, y, i) => sum + (y - predicted(i)) ** 2 / held.targets.length, 0));
    errors = { model: rmse((i) => mean[i]!), mean: rmse(() => average) };
    await ensemble.close();
  }
  process.stdout.write(
    `${JSON.stringify({ backend, errors, hashes, operations: await operations(train, settings) })}\n`,
  );
}

void main();
