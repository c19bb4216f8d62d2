import type { Qualifier, RandomForestSettings } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { createRandomForest } from '../../../src/learning/forest';
import { imputeBounds } from '../../../src/learning/forest/impute';
import type { LabelledSet } from '../../../src/learning/learning';
import { classificationMetrics } from '../../../src/learning/metrics';
import { fingerprints, hasBit, labelled, matrix, noisy, truth } from '../synthetic';

const settings: RandomForestSettings = { family: 'random-forest', trees: 120, maxFeatures: 0.2, minLeaf: 1 };
const forests = createRandomForest({ threads: 2 });
afterAll(() => forests.close());
const fit = (set: LabelledSet, own: Partial<RandomForestSettings> = {}) =>
  forests.fit({ settings: { ...settings, ...own }, labelled: set, seed: 1 });
const rmse = (a: Float64Array, b: Float64Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length);

describe('bounds', () => {
  test('become the mean of what lies beyond them', () => {
    // Under a standard normal: beyond 0, sqrt(2 / pi); beyond a bound that is satisfied by far, the mean itself.
    const [above, below, far, measured] = imputeBounds(
      Float64Array.of(0, 0, -8, 3),
      ['>', '<', '>', '='],
      new Float64Array(4),
      1,
    ) as unknown as [number, number, number, number];
    expect(above).toBeCloseTo(Math.sqrt(2 / Math.PI), 12);
    expect(below).toBeCloseTo(-Math.sqrt(2 / Math.PI), 12);
    expect(far).toBeCloseTo(0, 12);
    expect(measured).toBe(3);
  });

  test('teach more than being left out, and more than being taken for values', async () => {
    const features = fingerprints(400, 1);
    const values = noisy(truth(features), 0.3, 2);
    const limit = [...values].sort((a, b) => a - b)[200]!;
    const capped = values.map((value) => Math.min(value, limit));
    const qualifiers = [...values].map((value): Qualifier => (value > limit ? '>' : '='));
    const kept = [...values.keys()].filter((row) => values[row]! <= limit);
    const bits = kept.flatMap((row) => [...features.data.subarray(32 * row, 32 * row + 32)]);
    const dropped = labelled(
      matrix('bits', kept.length, 256, Uint8Array.from(bits)),
      kept.map((row) => values[row]!),
    );
    const testing = fingerprints(300, 3);
    const error = async (set: LabelledSet) =>
      rmse((await (await fit(set)).predict(testing)).mean, truth(testing));
    const [asBounds, asValues, without] = [
      await error(labelled(features, capped, { qualifiers })),
      await error(labelled(features, capped)),
      await error(dropped),
    ];
    expect(asBounds).toBeLessThan(0.95 * asValues);
    expect(asBounds).toBeLessThan(0.85 * without);
  });
});

test('an average of many replicates counts more than a single value', async () => {
  const half = fingerprints(60, 8);
  const twice = matrix('bits', 120, half.columns, Uint8Array.from([...half.data, ...half.data]));
  const targets = Float64Array.from({ length: 120 }, (_, i) => (i < 60 ? 0 : 10));
  const replicates = Float64Array.from({ length: 120 }, (_, i) => (i < 60 ? 100 : 1));
  const average = async (counts?: Float64Array) => {
    const model = await fit(labelled(twice, targets, { replicates: counts }));
    const { mean } = await model.predict(half);
    return mean.reduce((sum, value) => sum + value / 60, 0);
  };
  expect(await average(replicates)).toBeLessThan(4);
  expect(await average()).toBeGreaterThan(4.5);
});

describe('classes', () => {
  const random = createRandom(5);
  const features = fingerprints(1500, 6);
  const testing = fingerprints(1500, 7);
  // Rare: three bits together; one in fifty of them is inactive all the same.
  const active = (set: typeof features, row: number) =>
    [6, 12, 20].every((bit) => hasBit(set, row, bit) === 1);
  const classOf = (set: typeof features) =>
    Float64Array.from({ length: set.rows }, (_, row) => Number(active(set, row) && random.next() > 0.02));
  const targets = classOf(features);
  const held = classOf(testing);
  const set: LabelledSet = { ...labelled(features, targets), task: 'classification' };

  test('a rare one is found, and its probabilities are those of the data', async () => {
    const share = targets.reduce((sum, y) => sum + y / 1500, 0);
    expect(share).toBeLessThan(0.1);
    const model = await fit(set);
    const { mean, aleatoric, epistemic } = await model.predict(testing);
    const { auprc, logLoss } = classificationMetrics(held, mean);
    expect(auprc).toBeGreaterThan(6 * share);
    const base = held.reduce((sum, y) => sum + y / 1500, 0);
    expect(logLoss).toBeLessThan(-0.8 * (base * Math.log(base) + (1 - base) * Math.log(1 - base)));
    const predicted = mean.reduce((sum, p) => sum + p / 1500, 0);
    expect(predicted / base).toBeGreaterThan(0.7);
    expect(predicted / base).toBeLessThan(1.4);
    mean.forEach((p, row) => {
      expect(aleatoric[row]! ** 2 + epistemic[row]! ** 2).toBeCloseTo(p * (1 - p), 12);
      expect(epistemic[row]).toBeGreaterThanOrEqual(0);
    });
    const some = fingerprints(20, 9);
    const spread = (await model.predict(some)).epistemic;
    const covariance = await model.covariance(some);
    spread.forEach((sd, i) => expect(covariance[i * 21]).toBeCloseTo(sd ** 2, 12));
  });

  test('weights do not shift the probabilities of a class that nothing tells of', async () => {
    const coin = createRandom(11);
    const blind = targets.map(() => Number(coin.next() < 0.05));
    const { mean } = await (
      await fit({ ...labelled(features, blind), task: 'classification' })
    ).predict(testing);
    const average = mean.reduce((sum, p) => sum + p / 1500, 0);
    expect(average).toBeGreaterThan(0.03);
    expect(average).toBeLessThan(0.075);
  });
});

test('several properties, each of the rows that have it, missing values among them', async () => {
  const features = fingerprints(360, 1);
  const testing = fingerprints(100, 4);
  const values = noisy(truth(features), 0.3, 2);
  const column = (targets: Float64Array) => {
    const { qualifiers, replicates } = labelled(features, targets);
    return { targets, qualifiers, replicates };
  };
  const wanted = values.map((y, row) => (row % 6 === 1 ? NaN : y));
  const opposite = values.map((y, row) => (row % 3 === 0 ? NaN : -y));
  const fitBoth = (second: Float64Array) =>
    fit({ ...labelled(features, wanted), auxiliary: [column(second)] });
  const model = await fitBoth(opposite);
  const [first, second] = await model.predictAll(testing);
  expect(await model.predict(testing)).toEqual(first);
  const truths = truth(testing);
  const mean = truths.reduce((sum, y) => sum + y / 100, 0);
  const unknowing = rmse(
    truths,
    truths.map(() => mean),
  );
  expect(rmse(first!.mean, truths)).toBeLessThan(0.9 * unknowing);
  expect(
    rmse(
      second!.mean.map((y) => -y),
      truths,
    ),
  ).toBeLessThan(0.9 * unknowing);
  const loaded = await forests.load(await model.serialise());
  expect(await loaded.predictAll(testing)).toEqual([first, second]);
  // What another property does says nothing of this one.
  const other = await fitBoth(opposite.map((y) => 2 * y));
  expect((await other.predict(testing)).mean).toEqual(first!.mean);
});
