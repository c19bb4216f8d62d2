import type { GaussianProcessSettings, Qualifier } from '../../src/contracts';
import { CV_MIN_LABELS, crossValidate } from '../../src/learning/cross-validate';
import { totalDeviation } from '../../src/learning/prediction';
import { createGaussianProcess } from '../../src/learning/gaussian-process';
import { selectLabelledRows } from '../../src/learning/labelled-set';
import { regressionMetrics } from '../../src/learning/metrics';
import { fingerprints, labelled, NOISE_RATIOS, noisy, truth } from './synthetic';

const settings: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const learning = createGaussianProcess({ threads: 1 });
afterAll(() => learning.close());

const features = fingerprints(45, 1);
const set = labelled(features, noisy(truth(features), 0.3, 2));
const run = (targetsOf = set, folds = 3) =>
  crossValidate(learning, { settings, labelled: targetsOf, folds, seed: 5 });

describe('cross-validation', () => {
  test("a row's prediction does not change when its own target does; others' do", async () => {
    const before = await run();
    // The greatest target, made greater, keeps its rank, so the folds stay.
    const row = set.targets.indexOf(Math.max(...set.targets));
    const after = await run({ ...set, targets: set.targets.map((y, i) => (i === row ? y + 50 : y)) });
    expect(after.folds).toEqual(before.folds);
    const same = [...before.folds.keys()].filter((i) => before.folds[i] === before.folds[row]);
    for (const i of same) expect(after.predictions.mean[i]).toBe(before.predictions.mean[i]);
    expect(after.predictions.mean).not.toEqual(before.predictions.mean);
  });

  test("a row's prediction does not change when the features of others in its fold do", async () => {
    const before = await run();
    const [row, other] = [...before.folds.keys()].filter((i) => before.folds[i] === 0) as [number, number];
    const data = Uint8Array.from(features.data as Uint8Array).fill(0xff, other * 32, (other + 1) * 32);
    const after = await run({ ...set, features: { ...features, data } });
    expect(after.predictions.mean[row]).toBe(before.predictions.mean[row]);
    expect(after.predictions.mean[other]).not.toBe(before.predictions.mean[other]);
  });

  test('metrics are those of the out-of-fold predictions over the measured rows; censored rows are predicted too', async () => {
    const qualifiers = [...set.targets].map((_, i): Qualifier => (i % 5 === 0 ? '<' : '='));
    const done: string[] = [];
    const result = await crossValidate(learning, {
      settings,
      labelled: { ...set, qualifiers },
      folds: 3,
      seed: 5,
      onFold: (k, of) => done.push(`${k}/${of}`),
    });
    expect(done).toEqual(['1/3', '2/3', '3/3']);
    const measured = [...qualifiers.keys()].filter((i) => qualifiers[i] === '=');
    const take = (from: Float64Array) => Float64Array.from(measured, (i) => from[i]!);
    const { predictions } = result;
    expect(result.metrics).toEqual(
      regressionMetrics(take(set.targets), take(predictions.mean), take(totalDeviation(predictions))),
    );
    expect(result.metrics.n).toBe(36);
    expect(predictions.epistemic.every((sd) => sd > 0)).toBe(true);
    expect(result.backend).toBe('float64');
    expect(result.computeSeconds).toBeGreaterThan(0);
  });

  test('the fewest labels, and one fewer', async () => {
    const rows = Array.from({ length: CV_MIN_LABELS }, (_, i) => i);
    const least = await run(selectLabelledRows(set, rows), 10);
    expect(new Set(least.folds).size).toBe(CV_MIN_LABELS / 2);
    await expect(run(selectLabelledRows(set, rows.slice(1)))).rejects.toMatchObject({
      code: 'labels-insufficient',
    });
  });

  test('an abort between folds is an abort', async () => {
    const controller = new AbortController();
    const long = crossValidate(learning, {
      settings,
      labelled: set,
      folds: 3,
      seed: 5,
      signal: controller.signal,
      onFold: () => controller.abort(),
    });
    await expect(long).rejects.toMatchObject({ code: 'cancelled' });
  });
});
