import { featurizerSchema } from '../../src/contracts';
import { createRandom, sha256 } from '../../src/foundation';
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
  process.stdout.write(`${JSON.stringify({ backend, errors, hashes })}\n`);
}

void main();
