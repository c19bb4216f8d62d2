import type { GaussianProcessSettings, TitrateError } from '../../../src/contracts';
import { createGaussianProcess } from '../../../src/learning/gaussian-process';
import { selectFeatureRows } from '../../../src/foundation';
import type { LabelledSet } from '../../../src/learning/learning';
import { fingerprints, labelled, matrix, NOISE_RATIOS, noisy, truth } from '../synthetic';

const settings: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const gp = createGaussianProcess({ threads: 1 });
afterAll(() => gp.close());

const fit = (set: LabelledSet, signal?: AbortSignal) => gp.fit({ settings, labelled: set, seed: 1, signal });
const finite = (values: Float64Array) => values.every((value) => Number.isFinite(value));

async function expectUsable(set: LabelledSet) {
  const model = await fit(set);
  const predicted = await model.predict(set.features);
  for (const values of [predicted.mean, predicted.aleatoric, predicted.epistemic])
    expect(finite(values)).toBe(true);
  expect(predicted.aleatoric.every((sd) => sd > 0)).toBe(true);
  expect(predicted.epistemic.every((sd) => sd >= 0)).toBe(true);
  return predicted;
}

describe('what it learns', () => {
  test('a function of fingerprints, far better than the mean, and knows where it does not know', async () => {
    const features = fingerprints(150, 1);
    const y = truth(features);
    const train = Array.from({ length: 110 }, (_, i) => i);
    const held = Array.from({ length: 40 }, (_, i) => 110 + i);
    const model = await fit(labelled(selectFeatureRows(features, train), noisy(y, 0.3, 2).slice(0, 110)));
    const near = await model.predict(selectFeatureRows(features, held));
    const mean = y.slice(0, 110).reduce((sum, v) => sum + v / 110, 0);
    const rmse = (guess: (i: number) => number) =>
      Math.sqrt(held.reduce((sum, row, i) => sum + (y[row]! - guess(i)) ** 2 / 40, 0));
    expect(rmse((i) => near.mean[i]!)).toBeLessThan(0.8 * rmse(() => mean));
    const seen = await model.predict(selectFeatureRows(features, train));
    const average = (values: Float64Array) => values.reduce((sum, v) => sum + v / values.length, 0);
    expect(average(seen.epistemic)).toBeLessThan(average(near.epistemic));
    expect(model.facts.rows).toBe(110);
    expect(model.computeSeconds).toBeGreaterThan(0);
    model.dispose();
  });

  test('replicates make a row count for more', async () => {
    const features = fingerprints(30, 3);
    const y = noisy(truth(features), 3, 4);
    const once = await fit(labelled(features, y));
    const often = await fit(labelled(features, y, { replicates: [...Array<number>(29).fill(1), 1000] }));
    const last = selectFeatureRows(features, [29]);
    expect((await often.predict(last)).epistemic[0]!).toBeLessThan(
      0.5 * (await once.predict(last)).epistemic[0]!,
    );
  });

  test('rows, parts and threads do not change a bit of a prediction', async () => {
    const features = fingerprints(60, 5);
    const model = await fit(labelled(features, truth(features)));
    const many = fingerprints(1500, 6);
    const all = await model.predict(many);
    const rows = [0, 7, 1023, 1024, 1499];
    const some = await model.predict(selectFeatureRows(many, rows));
    expect([...some.mean]).toEqual(rows.map((row) => all.mean[row]));
    expect([...some.epistemic]).toEqual(rows.map((row) => all.epistemic[row]));
  });
});

describe('hard inputs', () => {
  test('two labels', async () => {
    await expectUsable(labelled(fingerprints(2, 1), [1, 2]));
  });

  test('constant targets', async () => {
    const predicted = await expectUsable(labelled(fingerprints(20, 1), Array<number>(20).fill(7.25)));
    predicted.mean.forEach((value) => expect(value).toBeCloseTo(7.25, 6));
  });

  test('targets of 1e12 and of 1e-12', async () => {
    const y = truth(fingerprints(20, 1));
    await expectUsable(
      labelled(
        fingerprints(20, 1),
        y.map((v) => v * 1e12),
      ),
    );
    await expectUsable(
      labelled(
        fingerprints(20, 1),
        y.map((v) => v * 1e-12),
      ),
    );
  });

  test('duplicate molecules that disagree: the prediction lies between, and noise is found', async () => {
    const features = selectFeatureRows(
      fingerprints(10, 1),
      Array.from({ length: 20 }, (_, i) => i % 10),
    );
    const y = Array.from({ length: 20 }, (_, i) => (i % 10) + (i < 10 ? -1 : 1));
    const predicted = await expectUsable(labelled(features, y));
    expect(predicted.mean[0]).toBeGreaterThan(-1);
    expect(predicted.mean[0]).toBeLessThan(4);
    expect(predicted.aleatoric[0]).toBeGreaterThan(0.3);
  });

  test('empty fingerprints, all the same molecule to the featurizer', async () => {
    const empty = matrix('bits', 8, 64, new Uint8Array(64));
    const predicted = await expectUsable(labelled(empty, [1, 2, 3, 4, 5, 6, 7, 8]));
    predicted.mean.forEach((value) => expect(value).toBeCloseTo(4.5, 6));
  });

  test('dense features that say nothing at all', async () => {
    const predicted = await expectUsable(
      labelled(matrix('dense', 6, 3, new Float32Array(18).fill(2.5)), [1, 2, 3, 4, 5, 6]),
    );
    predicted.mean.forEach((value) => expect(value).toBeCloseTo(3.5, 6));
  });
});

describe('bytes', () => {
  test.each(['bits', 'dense'] as const)(
    'a loaded model predicts the same numbers (%s), and its bytes are the same again',
    async (layout) => {
      const features =
        layout === 'bits'
          ? fingerprints(40, 1)
          : matrix(
              'dense',
              40,
              5,
              Float32Array.from({ length: 200 }, (_, i) => Math.sin(i * i) * 10),
            );
      const y = Array.from({ length: 40 }, (_, i) => Math.cos(i));
      const qualifiers = y.map((_, i) => (i % 7 === 3 ? ('<' as const) : ('=' as const)));
      const model = await fit(labelled(features, y, { qualifiers }));
      const bytes = await model.serialise();
      const loaded = await gp.load(bytes);
      expect(await loaded.predict(features)).toEqual(await model.predict(features));
      expect(await loaded.sample(features, 2, 5)).toEqual(await model.sample(features, 2, 5));
      expect(Buffer.compare(await loaded.serialise(), bytes)).toBe(0);
      expect(loaded.facts).toEqual(model.facts);
    },
  );

  test('the same fit gives the same bytes', async () => {
    const set = labelled(fingerprints(40, 1), truth(fingerprints(40, 1)));
    expect(Buffer.compare(await (await fit(set)).serialise(), await (await fit(set)).serialise())).toBe(0);
  });

  test('damaged bytes are named as such', async () => {
    const bytes = await (await fit(labelled(fingerprints(4, 1), [1, 2, 3, 4]))).serialise();
    for (const damaged of [
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(3),
      Buffer.from('no model'),
      bytes.subarray(0, 40),
    ]) {
      await expect(gp.load(damaged)).rejects.toMatchObject({ code: 'artifact-corrupt' });
    }
  });
});

describe('errors', () => {
  const set = () => labelled(fingerprints(6, 1), [1, 2, 3, 4, 5, 6]);

  test('too few measured labels', async () => {
    await expect(fit(labelled(fingerprints(1, 1), [1]))).rejects.toMatchObject({
      code: 'labels-insufficient',
    });
    const bounds = labelled(fingerprints(3, 1), [1, 2, 3], { qualifiers: ['<', '=', '>'] });
    await expect(fit(bounds)).rejects.toMatchObject({ code: 'labels-insufficient' });
  });

  test('a target that is no number, a replicate count of 0, labels that do not fit the features', async () => {
    await expect(fit({ ...set(), targets: Float64Array.from([1, 2, NaN, 4, 5, 6]) })).rejects.toMatchObject({
      code: 'result-invalid',
    });
    await expect(fit({ ...set(), replicates: new Float64Array(6) })).rejects.toMatchObject({
      code: 'result-invalid',
    });
    await expect(fit({ ...set(), targets: new Float64Array(5) })).rejects.toMatchObject({ code: 'internal' });
  });

  test('noise ratios that are none', async () => {
    for (const noiseRatios of [[], [0], [-1], [Infinity]]) {
      const request = { settings: { ...settings, noiseRatios }, labelled: set(), seed: 1 };
      await expect(gp.fit(request)).rejects.toMatchObject({ code: 'config-invalid' });
    }
  });

  test('features of another featurizer, and features that are no numbers (raised in a thread)', async () => {
    const model = await fit(set());
    await expect(model.predict(fingerprints(3, 1, 128))).rejects.toMatchObject({ code: 'runtime-mismatch' });
    const dense = matrix('dense', 3, 2, Float32Array.from([1, 2, 3, NaN, 5, 6]));
    await expect(fit(labelled(dense, [1, 2, 3]))).rejects.toMatchObject({
      code: 'numerical',
      parts: { where: dense.moleculeIds[1] },
    });
    model.dispose();
    await expect(model.predict(fingerprints(3, 1))).rejects.toMatchObject({ code: 'internal' });
  });

  test('an abort ends a long fit, and the next fit works', async () => {
    const controller = new AbortController();
    const features = fingerprints(1800, 1);
    const long = fit(labelled(features, truth(features)), controller.signal).catch(
      (error: TitrateError) => error,
    );
    // The event loop is free meanwhile: this timer fires although the fit is at work.
    await new Promise((resolve) => setTimeout(resolve, 300));
    controller.abort();
    expect(await long).toMatchObject({ code: 'cancelled' });
    await expect(fit(set(), controller.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await expectUsable(set());
  });
});
