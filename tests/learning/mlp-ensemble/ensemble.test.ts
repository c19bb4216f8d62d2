import type { MlpEnsembleSettings, Qualifier, TitrateError } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';
import { createMlpEnsemble, MINIMUM_LABELS } from '../../../src/learning/mlp-ensemble';
import { fingerprints, labelled, matrix, noisy, truth } from '../synthetic';

const settings: MlpEnsembleSettings = {
  family: 'mlp-ensemble',
  members: 3,
  hidden: [32],
  dropout: 0.1,
  learningRate: 3e-3,
  weightDecay: 0.01,
  batchSize: 32,
  epochs: 30,
};
const rmse = (a: Float64Array, b: Float64Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length);
const deviation = (a: Float64Array) =>
  rmse(a, new Float64Array(a.length).fill(a.reduce((s, x) => s + x, 0) / a.length));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: TitrateError) => error.code,
  );

const training = fingerprints(300, 1);
const testing = fingerprints(200, 2);
const labels = labelled(training, noisy(truth(training), 0.3, 3));

const ensemble = createMlpEnsemble({ threads: 2, backend: 'wasm' });
afterAll(() => ensemble.close());

describe('a trained ensemble', () => {
  it('predicts a function of the bits far better than its mean, and knows how well', async () => {
    const model = await ensemble.fit({ settings, labelled: labels, seed: 1 });
    const { mean, aleatoric, epistemic } = await model.predict(testing);
    const truths = truth(testing);
    const error = rmse(mean, truths);
    expect(error).toBeLessThan(0.8 * deviation(truths));
    const covered = mean.filter(
      (value, i) => Math.abs(value - truths[i]!) < 1.645 * Math.hypot(aleatoric[i]!, epistemic[i]!),
    ).length;
    expect(covered / mean.length).toBeGreaterThan(0.75);
    expect(covered / mean.length).toBeLessThan(1);
    expect(model.computeSeconds).toBeGreaterThan(0);
    expect(model).toMatchObject({
      family: 'mlp-ensemble',
      backend: 'wasm',
      facts: { members: 3, epochs: 30 },
    });
    model.dispose();
  });

  it('recovers noise that depends on the molecule, roughly', async () => {
    const random = createRandom(3);
    const rows = 600;
    const data = Float32Array.from({ length: rows * 2 }, () => 2 * random.next() - 1);
    const isNoisy = (row: number) => data[2 * row]! > 0;
    const targets = Float64Array.from(
      { length: rows },
      (_, row) => Math.sin(3 * data[2 * row + 1]!) + (isNoisy(row) ? 1 : 0.1) * random.normal(),
    );
    const features = matrix('dense', rows, 2, data);
    const longer = { ...settings, hidden: [64], epochs: 60 };
    const model = await ensemble.fit({ settings: longer, labelled: labelled(features, targets), seed: 1 });
    const { aleatoric } = await model.predict(features);
    const average = (noisyHalf: boolean) => {
      const chosen = aleatoric.filter(
        (_, row) => isNoisy(row) === noisyHalf && Math.abs(data[2 * row]!) > 0.2,
      );
      return chosen.reduce((sum, value) => sum + value, 0) / chosen.length;
    };
    expect(average(true)).toBeGreaterThan(0.7);
    expect(average(true)).toBeLessThan(1.3);
    expect(average(false)).toBeLessThan(0.5);
    model.dispose();
  });

  it('takes a limit for a limit', async () => {
    const values = truth(training);
    const limit = [...values].sort((a, b) => a - b)[150]!;
    const capped = values.map((value) => Math.min(value, limit));
    const qualifiers = [...values].map((value): Qualifier => (value > limit ? '>' : '='));
    const asLimits = await ensemble.fit({
      settings,
      labelled: labelled(training, capped, { qualifiers }),
      seed: 1,
    });
    const asValues = await ensemble.fit({ settings, labelled: labelled(training, capped), seed: 1 });
    const above = (mean: Float64Array) =>
      mean.filter((value, i) => values[i]! > limit && value > limit).length / 150;
    expect(above((await asLimits.predict(training)).mean)).toBeGreaterThan(0.8);
    expect(above((await asValues.predict(training)).mean)).toBeLessThan(0.6);
    asLimits.dispose();
    asValues.dispose();
  });

  it('trusts an average of many more than a single value', async () => {
    // Two labels for the same molecules: one of a hundred replicates, one of a single one.
    const half = fingerprints(60, 8);
    const twice = matrix('bits', 120, half.columns, Uint8Array.from([...half.data, ...half.data]));
    const targets = Float64Array.from({ length: 120 }, (_, i) => (i < 60 ? 0 : 10) + (i % 2) * 0.01);
    const replicates = Float64Array.from({ length: 120 }, (_, i) => (i < 60 ? 100 : 1));
    const fit = async (counts?: Float64Array) => {
      const model = await ensemble.fit({
        settings,
        labelled: labelled(twice, targets, { replicates: counts }),
        seed: 1,
      });
      const { mean } = await model.predict(half);
      model.dispose();
      return mean.reduce((sum, value) => sum + value, 0) / mean.length;
    };
    expect(await fit(replicates)).toBeLessThan(2);
    expect(await fit()).toBeGreaterThan(3.5);
  });

  it('draws functions with the mean and the spread of its members', async () => {
    const model = await ensemble.fit({ settings, labelled: labels, seed: 1 });
    const { mean, epistemic } = await model.predict(testing);
    const draws = await model.sample(testing, 2000, 5);
    for (const row of [0, 7, 100]) {
      const values = Float64Array.from(draws, (draw) => draw[row]!);
      expect(Math.abs(values.reduce((sum, x) => sum + x, 0) / 2000 - mean[row]!)).toBeLessThan(
        0.1 * epistemic[row]!,
      );
      expect(deviation(values) / epistemic[row]!).toBeGreaterThan(0.93);
      expect(deviation(values) / epistemic[row]!).toBeLessThan(1.07);
    }
    expect(await model.sample(testing, 2, 5)).toEqual(draws.slice(0, 2));
    expect((await model.sample(testing, 1, 6))[0]).not.toEqual(draws[0]);
    model.dispose();
  });
});

describe('the same request', () => {
  it('gives the same bytes again, on any number of threads, and other bytes with another seed', async () => {
    const bytesOf = async (threads: number, seed: number) => {
      const other = createMlpEnsemble({ threads, backend: 'wasm' });
      const model = await other.fit({ settings: { ...settings, epochs: 5 }, labelled: labels, seed });
      const bytes = Buffer.from(await model.serialise());
      await other.close();
      return bytes;
    };
    const first = await bytesOf(1, 1);
    expect((await bytesOf(3, 1)).equals(first)).toBe(true);
    expect((await bytesOf(1, 2)).equals(first)).toBe(false);
  });

  it('trains on the plain JavaScript backend to nearly the same predictions', async () => {
    const plain = createMlpEnsemble({ threads: 1, backend: 'cpu' });
    expect(await plain.runtime()).toMatchObject({ backend: 'cpu', cpu: process.arch, memberThreads: 1 });
    const short = { ...settings, epochs: 2, members: 2, hidden: [16, 8] };
    const request = { settings: short, labelled: labels, seed: 1 };
    const [a, b] = [await plain.fit(request), await ensemble.fit(request)];
    const [onCpu, onWasm] = [await a.predict(testing), await b.predict(testing)];
    onCpu.mean.forEach((value, i) => expect(onWasm.mean[i]).toBeCloseTo(value, 3));
    expect([a.backend, b.backend]).toEqual(['cpu', 'wasm']);
    await plain.close();
  });
});

describe('a stored ensemble', () => {
  it('predicts the same bits after loading, in many rows and in one', async () => {
    const model = await ensemble.fit({ settings: { ...settings, epochs: 5 }, labelled: labels, seed: 4 });
    const bytes = await model.serialise();
    const large = fingerprints(5000, 9);
    const before = await model.predict(large);
    model.dispose();
    // From an odd offset of a larger buffer, as a download may come.
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    const loaded = await ensemble.load(padded.subarray(3));
    expect(await loaded.predict(large)).toEqual(before);
    const fourth = matrix(
      'bits',
      1,
      large.columns,
      Uint8Array.from(large.data.slice((4 * 256) / 8, (5 * 256) / 8)),
    );
    expect((await loaded.predict(fourth)).mean[0]).toBeCloseTo(before.mean[4]!, 5);
    expect(Buffer.from(await loaded.serialise()).equals(bytes)).toBe(true);
    expect((await loaded.predict(matrix('bits', 0, large.columns, new Uint8Array(0)))).mean).toHaveLength(0);
    loaded.dispose();
    expect(await codeOf(loaded.predict(fourth))).toBe('unavailable');
  });

  it('is refused when it is damaged or the features are others', async () => {
    const model = await ensemble.fit({ settings: { ...settings, epochs: 1 }, labelled: labels, seed: 4 });
    const bytes = await model.serialise();
    expect(await codeOf(ensemble.load(bytes.subarray(0, bytes.length - 4)))).toBe('artifact-corrupt');
    expect(await codeOf(ensemble.load(bytes.subarray(1)))).toBe('artifact-corrupt');
    expect(await codeOf(ensemble.load(new Uint8Array(0)))).toBe('artifact-corrupt');
    expect(await codeOf(ensemble.load(bytes.map((byte, i) => (i > 10 && i < 40 ? 0 : byte))))).toBe(
      'artifact-corrupt',
    );
    expect(await codeOf(ensemble.load(bytes.map((byte, i) => (i > bytes.length - 5 ? 255 : byte))))).toBe(
      'artifact-corrupt',
    );
    expect(await codeOf(model.predict(fingerprints(3, 1, 512)))).toBe('config-invalid');
    model.dispose();
  });
});

describe('difficult labels', () => {
  it('that are all the same are predicted as such, also with features that never vary', async () => {
    const same = matrix('bits', 20, 64, new Uint8Array(160).fill(0b1010));
    const model = await ensemble.fit({
      settings,
      labelled: labelled(same, new Array<number>(20).fill(-7)),
      seed: 1,
    });
    const { mean, aleatoric, epistemic } = await model.predict(same);
    expect(Math.abs(mean[0]! + 7)).toBeLessThan(0.7);
    expect(Number.isFinite(aleatoric[0]! + epistemic[0]!)).toBe(true);
    model.dispose();
  });

  it('with descriptors of any scale are learnt', async () => {
    const random = createRandom(11);
    const data = Float32Array.from(
      { length: 200 * 4 },
      (_, i) => [1e6, 1, 1e-4, 0][i % 4]! * random.normal() + (i % 4),
    );
    const features = matrix('dense', 200, 4, data);
    const targets = Float64Array.from(
      { length: 200 },
      (_, row) => (data[4 * row]! / 1e6) * 3 + data[4 * row + 1]!,
    );
    const model = await ensemble.fit({
      settings: { ...settings, dropout: 0 },
      labelled: labelled(features, targets),
      seed: 1,
    });
    expect(rmse((await model.predict(features)).mean, targets)).toBeLessThan(0.35 * deviation(targets));
    model.dispose();
  });

  it.each([
    ['labels-insufficient', MINIMUM_LABELS - 1, {}],
    ['labels-insufficient', 20, { qualifiers: Array<Qualifier>(20).fill('<') }],
    ['result-invalid', 20, { replicates: new Array<number>(20).fill(0) }],
  ])('are refused with %s (%i rows)', async (code, rows, extra) => {
    const features = fingerprints(rows, 1);
    expect(
      await codeOf(ensemble.fit({ settings, labelled: labelled(features, truth(features), extra), seed: 1 })),
    ).toBe(code);
  });

  it('at the stated minimum still train', async () => {
    const features = fingerprints(MINIMUM_LABELS, 1);
    const model = await ensemble.fit({ settings, labelled: labelled(features, truth(features)), seed: 1 });
    expect((await model.predict(testing)).mean.every(Number.isFinite)).toBe(true);
    model.dispose();
  });

  it('that are no numbers, and settings out of range, are named', async () => {
    const targets = truth(training);
    targets[17] = Number.NaN;
    expect(await codeOf(ensemble.fit({ settings, labelled: labelled(training, targets), seed: 1 }))).toBe(
      'result-invalid',
    );
    for (const wrong of [
      { members: 0 },
      { hidden: [0] },
      { dropout: 1 },
      { learningRate: -1 },
      { epochs: 1.5 },
    ]) {
      const request = { settings: { ...settings, ...wrong }, labelled: labels, seed: 1 };
      await expect(ensemble.fit(request)).rejects.toThrow(Object.keys(wrong)[0]);
      expect(await codeOf(ensemble.fit(request))).toBe('config-invalid');
    }
  });

  it('that make the loss diverge end in a numerical error', async () => {
    const request = { settings: { ...settings, learningRate: 1e30 }, labelled: labels, seed: 1 };
    expect(await codeOf(ensemble.fit(request))).toBe('numerical');
  });
});

describe('cancelling', () => {
  it('ends a long fit and leaves the threads usable', async () => {
    const controller = new AbortController();
    const long = ensemble.fit({
      settings: { ...settings, epochs: 100000 },
      labelled: labels,
      seed: 1,
      signal: controller.signal,
    });
    const outcome = codeOf(long);
    await new Promise((resolve) => setTimeout(resolve, 300));
    controller.abort();
    expect(await outcome).toBe('cancelled');
    const model = await ensemble.fit({
      settings: { ...settings, epochs: 1, members: 2 },
      labelled: labels,
      seed: 1,
    });
    model.dispose();
  });

  it('refuses at once what is already cancelled', async () => {
    expect(
      await codeOf(ensemble.fit({ settings, labelled: labels, seed: 1, signal: AbortSignal.abort() })),
    ).toBe('cancelled');
  });
});
