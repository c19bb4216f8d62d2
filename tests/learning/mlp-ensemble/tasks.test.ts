import type { FeatureMatrix, MlpEnsembleSettings, Qualifier } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import type { LabelledSet } from '../../../src/learning/learning';
import { createMlpEnsemble } from '../../../src/learning/mlp-ensemble';
import { fingerprints, hasBit, labelled, noisy, truth } from '../synthetic';

const settings: MlpEnsembleSettings = {
  family: 'mlp-ensemble',
  members: 3,
  hidden: [32],
  dropout: 0.1,
  learningRate: 3e-3,
  weightDecay: 0.01,
  batchSize: 64,
  epochs: 25,
};
const ensemble = createMlpEnsemble({ threads: 2, backend: 'wasm' });
afterAll(() => ensemble.close());
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x / values.length, 0);
const rmse = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.sqrt(mean(Array.from(a, (x, i) => (x - b[i]!) ** 2)));

describe('classes', () => {
  // One in about twelve is active, with a probability that depends on a few bits.
  const probability = (features: FeatureMatrix) =>
    Float64Array.from({ length: features.rows }, (_, row) => {
      const bits = [3, 8, 15, 21, 30].reduce((sum, bit) => sum + hasBit(features, row, bit), 0);
      return 1 / (1 + Math.exp(5.2 - 1.3 * bits));
    });
  const classes = (features: FeatureMatrix, seed: number): LabelledSet => {
    const random = createRandom(seed);
    return {
      ...labelled(
        features,
        probability(features).map((p) => Number(random.next() < p)),
      ),
      task: 'classification',
    };
  };

  it('get probabilities that are right on average and in each range, though one class is rare', async () => {
    const training = fingerprints(1500, 1, 128);
    const testing = fingerprints(3000, 2, 128);
    const set = classes(training, 5);
    expect(mean(set.targets)).toBeLessThan(0.15);
    const model = await ensemble.fit({ settings, labelled: set, seed: 1 });
    const predicted = await model.predict(testing);
    const truths = probability(testing);
    expect(predicted.mean.every((p) => p > 0 && p < 1)).toBe(true);
    expect(Math.abs(mean(predicted.mean) - mean(truths))).toBeLessThan(0.02);
    const order = Array.from(truths.keys()).sort((a, b) => predicted.mean[a]! - predicted.mean[b]!);
    for (let bin = 0; bin < 5; bin++) {
      const part = order.slice(bin * 600, (bin + 1) * 600);
      const gap = mean(part.map((i) => predicted.mean[i]!)) - mean(part.map((i) => truths[i]!));
      expect(Math.abs(gap)).toBeLessThan(0.05);
    }
    expect(rmse(predicted.mean, truths)).toBeLessThan(
      0.9 * rmse(truths, new Float64Array(3000).fill(mean(truths))),
    );
    const row = order.at(-1)!;
    const p = predicted.mean[row]!;
    expect(predicted.aleatoric[row]! ** 2 + (2 / 3) * predicted.epistemic[row]! ** 2).toBeCloseTo(
      p * (1 - p),
      6,
    );
    const loaded = await ensemble.load(await model.serialise());
    expect(await loaded.predict(testing)).toEqual(predicted);
    model.dispose();
    loaded.dispose();
  });

  it('are refused when one is missing, or a label is no class', async () => {
    const features = fingerprints(30, 1);
    const fit = (targets: number[]) =>
      codeOf(
        ensemble.fit({
          settings,
          labelled: { ...labelled(features, targets), task: 'classification' },
          seed: 1,
        }),
      );
    expect(await fit(Array.from({ length: 30 }, (_, i) => Number(i === 0)))).toBe('labels-insufficient');
    expect(await fit(Array.from({ length: 30 }, (_, i) => i % 3))).toBe('result-invalid');
  });
});

describe('several properties', () => {
  const features = fingerprints(1000, 1);
  const wanted = noisy(truth(features), 0.3, 3);
  const longer = { ...settings, hidden: [64], epochs: 60 };
  const other = wanted.map((y) => 100 - 20 * y);

  it('are each predicted in their own unit, and one that was measured more often helps one that was not', async () => {
    const sparse = wanted.map((y, row) => (row % 10 === 0 ? y : Number.NaN));
    const set = labelled(features, sparse);
    const column = { targets: other, qualifiers: set.qualifiers, replicates: set.replicates };
    const both = await ensemble.fit({ settings: longer, labelled: { ...set, auxiliary: [column] }, seed: 1 });
    const testing = fingerprints(200, 2);
    const [first, second] = await both.predictAll(testing);
    expect(await both.predict(testing)).toEqual(first);
    const truths = truth(testing);
    expect(
      rmse(
        second!.mean,
        truths.map((y) => 100 - 20 * y),
      ) / 20,
    ).toBeLessThan(rmse(truths, new Float64Array(200).fill(mean(truths))));
    const measured = Array.from(sparse.keys()).filter((row) => row % 10 === 0);
    const alone = await ensemble.fit({
      settings: longer,
      labelled: labelled(
        rowsOf(features, measured),
        measured.map((row) => wanted[row]!),
      ),
      seed: 1,
    });
    expect(rmse(first!.mean, truths)).toBeLessThan(0.9 * rmse((await alone.predict(testing)).mean, truths));
    const again = await ensemble.load(await both.serialise());
    expect(await again.predictAll(testing)).toEqual([first, second]);
    for (const model of [both, alone, again]) model.dispose();
  });

  it('of which one was hardly measured still train', async () => {
    const set = labelled(features, wanted);
    const once = { ...set, targets: other.map((y, row) => (row === 4 ? y : Number.NaN)) };
    const never = { ...set, targets: other.map(() => Number.NaN) };
    const model = await ensemble.fit({
      settings: { ...settings, epochs: 2 },
      labelled: { ...set, auxiliary: [once, never] },
      seed: 1,
    });
    const predictions = await model.predictAll(features);
    expect(predictions).toHaveLength(3);
    for (const { mean: means } of predictions) expect(means.every(Number.isFinite)).toBe(true);
    model.dispose();
  });
});

function rowsOf(features: FeatureMatrix, rows: readonly number[]): FeatureMatrix {
  const stride = features.columns / 8;
  const data = Uint8Array.from(
    rows.flatMap((row) => [...features.data.subarray(row * stride, (row + 1) * stride)]),
  );
  return { ...features, rows: rows.length, moleculeIds: rows.map((row) => features.moleculeIds[row]!), data };
}

describe('the joint covariance', () => {
  it('has epistemic^2 on its diagonal, is what the draws have, and is refused for too many rows', async () => {
    const features = fingerprints(120, 1);
    const model = await ensemble.fit({
      settings: { ...settings, members: 4, epochs: 3 },
      labelled: labelled(features, truth(features)),
      seed: 1,
    });
    const few = fingerprints(12, 2);
    const covariance = await model.covariance(few);
    const { epistemic } = await model.predict(few);
    epistemic.forEach((sd, i) => expect(covariance[i * 12 + i]! / sd ** 2).toBeCloseTo(1, 9));
    const draws = await model.sample(few, 8000, 3);
    const of = (row: number) => draws.map((draw) => draw[row]!);
    for (const [i, j] of [
      [0, 1],
      [3, 7],
      [10, 2],
    ] as const) {
      const [a, b] = [of(i), of(j)];
      const [meanA, meanB] = [mean(a), mean(b)];
      const sampled = mean(a.map((x, k) => (x - meanA) * (b[k]! - meanB)));
      expect(covariance[i * 12 + j]).toBe(covariance[j * 12 + i]);
      expect(Math.abs(sampled - covariance[i * 12 + j]!)).toBeLessThan(0.06 * epistemic[i]! * epistemic[j]!);
    }
    expect(await model.covariance(few)).toEqual(covariance);
    expect(await codeOf(model.covariance(fingerprints(4001, 3)))).toBe('usage');
    model.dispose();
  });
});

describe('counts', () => {
  /** Rows of a descriptor and of counts of eight kinds of group; the property is what the counts of two of them make it. */
  function counted(rows: number, seed: number): { features: FeatureMatrix; targets: Float64Array } {
    const random = createRandom(seed);
    const values: number[] = [];
    const offsets = [0];
    const targets = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const descriptor = 50 + 10 * random.normal();
      values.push(new Uint32Array(Float32Array.of(descriptor).buffer)[0]!);
      for (let group = 0; group < 8; group++) {
        const count = random.below(4);
        if (count > 0) values.push((group + 1) * 0x1fffffff, count);
        targets[row]! += [2, -1, 0, 0, 0, 0, 0, 0][group]! * count;
      }
      targets[row]! += (descriptor - 50) / 10;
      values.push(0xfffffff0 + (row % 2 ? 0 : 1), 1);
      offsets.push(values.length);
    }
    const moleculeIds = Array.from({ length: rows }, (_, row) => `m${row}`);
    const spec = { kind: 'morgan-counts' as const, radius: 3 };
    return {
      features: {
        spec,
        moleculeIds,
        rows,
        columns: 1,
        layout: 'counts',
        data: Uint32Array.from(values),
        offsets: Uint32Array.from(offsets),
      },
      targets,
    };
  }

  it('and descriptors beside them are learnt, in memory of their own or shared', async () => {
    const training = counted(400, 1);
    const testing = counted(3000, 2);
    const set: LabelledSet = {
      features: training.features,
      targets: training.targets,
      qualifiers: Array<Qualifier>(400).fill('='),
      replicates: new Float64Array(400).fill(1),
    };
    const model = await ensemble.fit({ settings, labelled: set, seed: 1 });
    const { mean: predicted } = await model.predict(testing.features);
    expect(rmse(predicted, testing.targets)).toBeLessThan(
      0.35 * rmse(testing.targets, new Float64Array(3000).fill(mean(testing.targets))),
    );
    const loaded = await ensemble.load(await model.serialise());
    expect((await loaded.predict(testing.features)).mean).toEqual(predicted);
    // A row alone, after thousands of others: the same molecule.
    const [from, to] = [testing.features.offsets![2500]!, testing.features.offsets![2501]!];
    const alone = {
      ...testing.features,
      rows: 1,
      moleculeIds: ['m'],
      data: testing.features.data.slice(from, to),
      offsets: Uint32Array.of(0, to - from),
    };
    expect((await loaded.predict(alone)).mean[0]).toBeCloseTo(predicted[2500]!, 5);
    model.dispose();
    loaded.dispose();
  });
});
