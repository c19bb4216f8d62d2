import type { GaussianProcessSettings, Qualifier } from '../../../src/contracts';
import { fitGaussianProcess } from '../../../src/learning/gaussian-process/fit';
import { prepareModel } from '../../../src/learning/gaussian-process/model';
import { predictLatent } from '../../../src/learning/gaussian-process/posterior';
import { selectFeatureRows } from '../../../src/foundation';
import { selectLabelledRows } from '../../../src/learning/labelled-set';
import type { LabelledSet } from '../../../src/learning/learning';
import { fingerprints, labelled, NOISE_RATIOS, noisy, truth } from '../synthetic';

const settings: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const predict = (set: LabelledSet, features = set.features) =>
  predictLatent(prepareModel(fitGaussianProcess(settings, set)), features);

const features = fingerprints(61, 1);
const values = noisy(truth(features), 0.3, 2);
const base = Array.from({ length: 60 }, (_, i) => i);
const without = labelled(selectFeatureRows(features, base), values.slice(0, 60));
const withBound = (qualifier: Qualifier, bound: number) =>
  labelled(features, [...values.slice(0, 60), bound], {
    qualifiers: [...Array<Qualifier>(60).fill('='), qualifier],
  });
const last = selectFeatureRows(features, [60]);

describe('censored labels', () => {
  const before = predict(without, last);
  const guess = before.mean[0]!;
  const spread = before.deviation[0]!;

  test.each(['<', '>'] as const)(
    'a bound the model satisfies (%s) neither pulls nor feigns certainty',
    (qualifier) => {
      const side = qualifier === '>' ? -1 : 1;
      const after = predict(withBound(qualifier, guess + side * 8 * spread), last);
      expect(after.mean[0]).toBeCloseTo(guess, 6);
      expect(after.deviation[0]).toBeCloseTo(spread, 6);
    },
  );

  test.each(['<', '>'] as const)(
    'a violated bound (%s) pulls towards its side, and makes more certain',
    (qualifier) => {
      const side = qualifier === '>' ? 1 : -1;
      const after = predict(withBound(qualifier, guess + side * 2 * spread), last);
      expect(side * (after.mean[0]! - guess)).toBeGreaterThan(0.8 * spread);
      expect(after.deviation[0]).toBeLessThan(0.9 * spread);
    },
  );

  test('"<" and ">" are mirror images', () => {
    const mirrored = (set: LabelledSet): LabelledSet => ({
      ...set,
      targets: set.targets.map((y) => -y),
      qualifiers: set.qualifiers.map((q) => (q === '<' ? '>' : q === '>' ? '<' : '=')),
    });
    const set = withBound('>', guess + spread);
    const plain = predict(set);
    const mirror = predict(mirrored(set));
    plain.mean.forEach((value, i) => expect(mirror.mean[i]).toBeCloseTo(-value, 8));
    plain.deviation.forEach((value, i) => expect(mirror.deviation[i]).toBeCloseTo(value, 8));
  });

  test('with everything below a limit reported as "<", bounds help: better than leaving them out or taking them as measured', () => {
    const many = fingerprints(240, 7);
    const clean = truth(many);
    const y = noisy(clean, 0.3, 8);
    const train = Array.from({ length: 160 }, (_, i) => i);
    const held = selectFeatureRows(
      many,
      Array.from({ length: 80 }, (_, i) => 160 + i),
    );
    const limit = [...y.slice(0, 160)].sort((a, b) => a - b)[80]!;
    const qualifiers = train.map((i): Qualifier => (y[i]! < limit ? '<' : '='));
    const targets = train.map((i) => Math.max(y[i]!, limit));
    const all = labelled(selectFeatureRows(many, train), targets, { qualifiers });
    const measured = train.filter((i) => qualifiers[i] === '=');
    const rmse = (set: LabelledSet) => {
      const { mean } = predict(set, held);
      return Math.sqrt(mean.reduce((sum, value, i) => sum + (value - clean[160 + i]!) ** 2 / 80, 0));
    };
    const tobit = rmse(all);
    expect(tobit).toBeLessThan(0.8 * rmse(selectLabelledRows(all, measured)));
    expect(tobit).toBeLessThan(0.9 * rmse(labelled(all.features, targets)));
  });
});
