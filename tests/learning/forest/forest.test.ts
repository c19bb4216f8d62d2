import type { TitrateError } from '../../../src/contracts';
import { type FeatureMatrix, type RandomForestSettings } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { createRandomForest } from '../../../src/learning/forest';
import type { LabelledSet } from '../../../src/learning/learning';
import { describeWithPython, runPython } from '../../support/python';
import { bitRows, fingerprints, labelled, matrix, noisy, truth } from '../synthetic';
import { countRows } from './count-rows';

const settings: RandomForestSettings = {
  family: 'random-forest',
  trees: 100,
  maxFeatures: 0.2,
  minLeaf: 1,
};
const rmse = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.sqrt(Array.from(a).reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length);
const deviation = (a: Float64Array) =>
  rmse(
    a,
    a.map(() => a.reduce((sum, x) => sum + x, 0) / a.length),
  );

const training = fingerprints(300, 1);
const testing = fingerprints(200, 2);
const labels = labelled(training, noisy(truth(training), 0.5, 3));

const forests = createRandomForest({ threads: 2 });
afterAll(() => forests.close());
const fit = (set: LabelledSet = labels, own: Partial<RandomForestSettings> = {}, seed = 1) =>
  forests.fit({ settings: { ...settings, ...own }, labelled: set, seed });

describe('a random forest', () => {
  test('predicts a function of the bits far better than its mean, and knows how well', async () => {
    const model = await fit();
    const { mean, aleatoric, epistemic } = await model.predict(testing);
    const truths = truth(testing);
    expect(rmse(mean, truths)).toBeLessThan(0.8 * deviation(truths));
    const measured = noisy(truths, 0.5, 4);
    const inside = measured.filter(
      (y, i) => Math.abs(y - mean[i]!) < 1.645 * Math.hypot(aleatoric[i]!, epistemic[i]!),
    );
    expect(inside.length / 200).toBeGreaterThan(0.82);
    expect(inside.length / 200).toBeLessThan(0.97);
    const average = (values: Float64Array) => values.reduce((sum, value) => sum + value / values.length, 0);
    const variance = average(aleatoric.map((sd, i) => sd ** 2 + epistemic[i]! ** 2));
    expect(variance / rmse(mean, measured) ** 2).toBeGreaterThan(0.8);
    expect(variance / rmse(mean, measured) ** 2).toBeLessThan(1.25);
    expect(Math.min(...aleatoric, ...epistemic)).toBeGreaterThan(0);
    expect(model).toMatchObject({
      family: 'random-forest',
      backend: 'float64',
      facts: { trees: 100, rows: 300, columns: expect.any(Number), depth: expect.any(Number) },
    });
    expect(model.facts.outOfBagRmse).toBeGreaterThan(0.8 * rmse(mean, measured));
    expect(model.facts.outOfBagRmse).toBeLessThan(1.25 * rmse(mean, measured));
    expect(model.computeSeconds).toBeGreaterThan(0);
  });

  test('says more noise where there is more', async () => {
    const random = createRandom(3);
    const data = Float32Array.from({ length: 1200 }, () => 2 * random.next() - 1);
    const isNoisy = (row: number) => data[2 * row]! > 0;
    const targets = Float64Array.from(
      { length: 600 },
      (_, row) => Math.sin(3 * data[2 * row + 1]!) + (isNoisy(row) ? 1 : 0.1) * random.normal(),
    );
    const features = matrix('dense', 600, 2, data);
    const { aleatoric } = await (await fit(labelled(features, targets), { minLeaf: 5 })).predict(features);
    const average = (noisyHalf: boolean) => {
      const own = aleatoric.filter((_, row) => isNoisy(row) === noisyHalf && Math.abs(data[2 * row]!) > 0.2);
      return own.reduce((sum, value) => sum + value / own.length, 0);
    };
    expect(average(true)).toBeGreaterThan(2.5 * average(false));
  });

  test('reads counts and descriptors beside them', async () => {
    const random = createRandom(8);
    const cells = Array.from({ length: 200 }, () => Array.from({ length: 12 }, () => random.below(4)));
    const described = withDescriptor(countRows(cells), (row) => cells[row]![0]! + cells[row]![1]! ** 2);
    const targets = Float64Array.from(cells, ([a, b]) => a! + b! ** 2);
    const held = (features: FeatureMatrix) =>
      fit(labelled(features, targets)).then((model) => Number(model.facts.outOfBagRmse));
    const [counts, both] = [await held(countRows(cells)), await held(described)];
    expect(counts).toBeLessThan(0.6 * deviation(targets));
    expect(both).toBeLessThan(0.5 * counts);
  });

  test('draws functions with the mean and the covariance of its trees', async () => {
    const model = await fit();
    const few = fingerprints(25, 6);
    const { mean, epistemic } = await model.predict(few);
    const covariance = await model.covariance(few);
    epistemic.forEach((sd, i) => expect(covariance[i * 26]! / sd ** 2).toBeCloseTo(1, 9));
    const random = createRandom(9);
    for (let trial = 0; trial < 50; trial++) {
      const v = Float64Array.from({ length: 25 }, () => random.normal());
      const quadratic = v.reduce(
        (sum, a, i) => sum + v.reduce((inner, b, j) => inner + a * b * covariance[i * 25 + j]!, 0),
        0,
      );
      expect(quadratic).toBeGreaterThan(-1e-9);
    }
    const draws = await model.sample(few, 4000, 5);
    const moment = (i: number, j: number) =>
      draws.reduce((sum, draw) => sum + ((draw[i]! - mean[i]!) * (draw[j]! - mean[j]!)) / draws.length, 0);
    for (const [i, j] of [
      [0, 0],
      [3, 7],
      [11, 20],
    ] as const) {
      const scale = epistemic[i]! * epistemic[j]!;
      expect(Math.abs(moment(i, j) - covariance[i * 25 + j]!)).toBeLessThan(0.08 * scale);
    }
    expect(await model.sample(few, 2, 5)).toEqual(draws.slice(0, 2));
  });
});

/** Counts with one descriptor in front. */
function withDescriptor(features: FeatureMatrix, value: (row: number) => number): FeatureMatrix {
  const rows = Array.from({ length: features.rows }, (_, row) => [
    new Uint32Array(Float32Array.of(value(row)).buffer)[0]!,
    ...features.data.subarray(features.offsets![row], features.offsets![row + 1]),
  ]);
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length));
  const spec = {
    kind: 'concatenation' as const,
    parts: [{ kind: 'morgan-counts' as const, radius: 3 }, { kind: 'descriptors' as const }],
  };
  return { ...features, spec, columns: 1, data: Uint32Array.from(rows.flat()), offsets };
}

describe('the same request', () => {
  test('gives the same bytes again, on any number of threads, and other bytes with another seed', async () => {
    const bytesOf = async (threads: number, seed: number) => {
      const other = createRandomForest({ threads });
      const model = await other.fit({ settings: { ...settings, trees: 23 }, labelled: labels, seed });
      const bytes = Buffer.from(await model.serialise());
      await other.close();
      return bytes;
    };
    const first = await bytesOf(1, 1);
    expect((await bytesOf(3, 1)).equals(first)).toBe(true);
    expect((await bytesOf(1, 2)).equals(first)).toBe(false);
  });

  test('comes back from its bytes to the bit', async () => {
    const model = await fit();
    const bytes = await model.serialise();
    const loaded = await forests.load(bytes);
    expect(await loaded.predict(testing)).toEqual(await model.predict(testing));
    expect(await loaded.covariance(testing)).toEqual(await model.covariance(testing));
    expect(Buffer.from(await loaded.serialise()).equals(bytes)).toBe(true);
    expect(loaded.facts).toEqual(model.facts);
  });

  test('bytes that are no forest, or not all of one, are refused', async () => {
    const bytes = await (await fit(labels, { trees: 5 })).serialise();
    const corrupt = { code: 'artifact-corrupt' };
    await expect(forests.load(bytes.subarray(0, bytes.length - 3))).rejects.toMatchObject(corrupt);
    await expect(forests.load(bytes.subarray(0, 6))).rejects.toMatchObject(corrupt);
    await expect(forests.load(Buffer.from('not a forest at all'))).rejects.toMatchObject(corrupt);
    const header = Buffer.from(bytes).readUInt32LE(12);
    const broken = Buffer.from(bytes);
    // Every node a leaf: no tree.
    const { columns } = JSON.parse(broken.toString('utf8', 16, 16 + header))[0] as {
      columns: { counted: number; real: number };
    };
    const nodes = 16 + header + 4 * (columns.counted + columns.real + 6);
    broken.fill(0xff, nodes, nodes + 20);
    await expect(forests.load(broken)).rejects.toMatchObject(corrupt);
    const garbled = Buffer.from(bytes);
    garbled.fill(0, 20, 40);
    await expect(forests.load(garbled)).rejects.toMatchObject(corrupt);
  });
});

describe('a forest refuses', () => {
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'none',
      (error: TitrateError) => error.code,
    );

  test('settings out of range, graphs, too few labels, one class', async () => {
    for (const wrong of [
      { trees: 1 },
      { trees: 2.5 },
      { minLeaf: 0 },
      { maxFeatures: 0 },
      { maxDescriptors: 2 },
    ])
      expect(await codeOf(fit(labels, wrong))).toBe('config-invalid');
    const graph: FeatureMatrix = {
      ...{ spec: { kind: 'graph' }, layout: 'graph', rows: 2, columns: 0 },
      ...{ moleculeIds: ['a', 'b'], data: new Uint32Array(0), offsets: new Uint32Array(3) },
    };
    expect(await codeOf(fit(labelled(graph, [1, 2])))).toBe('config-invalid');
    const three = fingerprints(3, 1);
    const bounded = labelled(three, [1, 2, 3], { qualifiers: ['=', '>', '<'] });
    expect(await codeOf(fit(bounded))).toBe('labels-insufficient');
    const zeros = labelled(three, [0, 0, 0]);
    expect(await codeOf(fit({ ...zeros, task: 'classification' }))).toBe('labels-insufficient');
    expect(await codeOf(fit(labelled(three, [1, NaN, 3])))).toBe('result-invalid');
  });

  test('features of another kind than it was trained on, and too large a joint covariance', async () => {
    const model = await fit(labels, { trees: 5 });
    expect(await codeOf(model.predict(fingerprints(3, 1, 512)))).toBe('config-invalid');
    expect(await codeOf(model.covariance(fingerprints(4001, 1, 64, 3)))).toBe('usage');
    expect(await codeOf(model.sample(testing, 300_000, 1))).toBe('usage');
    model.dispose();
    expect(await codeOf(model.predict(testing))).toBe('internal');
  });

  test('to go on when it is told to stop', async () => {
    const stop = new AbortController();
    const long = { settings: { ...settings, trees: 20_000, maxFeatures: 1 }, labelled: labels, seed: 1 };
    const running = forests.fit({ ...long, signal: stop.signal });
    setImmediate(() => stop.abort());
    expect(await codeOf(running)).toBe('cancelled');
    expect(await codeOf(forests.fit({ ...long, signal: stop.signal }))).toBe('cancelled');
    // The threads are free again: what is asked next is answered.
    expect((await (await fit(labels, { trees: 2 })).predict(testing)).mean).toHaveLength(200);
  });

  test.each([1, 2, 3])('nothing with %i more labels than the least', async (more) => {
    const few = fingerprints(1 + more, 5);
    const model = await fit(
      labelled(
        few,
        Float64Array.from({ length: 1 + more }, (_, i) => i),
      ),
    );
    const { mean, aleatoric, epistemic } = await model.predict(testing);
    for (const figures of [mean, aleatoric, epistemic]) expect(figures.every(Number.isFinite)).toBe(true);
    expect(Math.min(...mean)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...mean)).toBeLessThanOrEqual(more);
  });

  test('nothing of labels that are all the same', async () => {
    const same = labelled(training, new Float64Array(300).fill(4.5));
    const { mean, aleatoric } = await (await fit(same, { trees: 5 })).predict(testing);
    expect(mean.every((value) => value === 4.5)).toBe(true);
    expect(Math.min(...aleatoric)).toBeGreaterThan(0);
  });
});

describeWithPython('a forest against scikit-learn', () => {
  test('is as good on bits as theirs with the same settings, in regression and in classes', async () => {
    const [large, held] = [fingerprints(500, 11), fingerprints(500, 12)];
    const targets = noisy(truth(large), 0.5, 13);
    const cut = [...targets].sort((a, b) => a - b)[400]!;
    const classes = targets.map((y) => Number(y > cut));
    const oracle = runPython<Record<'regression' | 'again' | 'classes', number[]>>(
      `
import sys, json, numpy as np
from sklearn.ensemble import RandomForestRegressor, RandomForestClassifier
d = json.load(sys.stdin)
x, q = np.array(d['x']), np.array(d['q'])
common = dict(n_estimators=300, max_features='sqrt')
r, s = [RandomForestRegressor(random_state=i, **common).fit(x, d['y']).predict(q) for i in (0, 1)]
c = RandomForestClassifier(class_weight='balanced', random_state=0, **common).fit(x, d['c']).predict_proba(q)[:, 1]
print(json.dumps(dict(regression=r.tolist(), again=s.tolist(), classes=c.tolist())))`,
      { x: bitRows(large), q: bitRows(held), y: [...targets], c: [...classes] },
    );
    const own = { trees: 300, maxFeatures: 'sqrt' } as const;
    const truths = truth(held);
    const { mean } = await (await fit(labelled(large, targets), own)).predict(held);
    const ratio = rmse(mean, truths) / rmse(oracle.regression, truths);
    expect(ratio).toBeGreaterThan(0.97);
    expect(ratio).toBeLessThan(1.03);
    // It differs from theirs by no more than theirs from one with another seed.
    expect(rmse(mean, oracle.regression)).toBeLessThan(1.15 * rmse(oracle.again, oracle.regression));

    const set: LabelledSet = { ...labelled(large, classes), task: 'classification' };
    const probability = (await (await fit(set, own)).predict(held)).mean;
    const auroc = (scores: ArrayLike<number>) => {
      const [ones, zeros] = [true, false].map((positive) =>
        [...truths.keys()].filter((i) => truths[i]! > cut === positive),
      ) as [number[], number[]];
      const wins = ones.map((i) =>
        zeros.reduce(
          (sum, j) => sum + Number(scores[i]! > scores[j]!) + Number(scores[i] === scores[j]) / 2,
          0,
        ),
      );
      return wins.reduce((sum, w) => sum + w, 0) / ones.length / zeros.length;
    };
    expect(Math.abs(auroc(probability) - auroc(oracle.classes))).toBeLessThan(0.02);
  });
});
