import fc from 'fast-check';
import type { GaussianProcessSettings } from '../../../src/contracts';
import { createRandom, selectFeatureRows } from '../../../src/foundation';
import { createGaussianProcess } from '../../../src/learning/gaussian-process';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { fitAndPrepare } from '../../../src/learning/gaussian-process/fit';
import { exactSolver, laplacePosterior } from '../../../src/learning/gaussian-process/laplace';
import { logistic, probabilityMoments } from '../../../src/learning/gaussian-process/link';
import { predict } from '../../../src/learning/gaussian-process/posterior';
import { buildReference, kernelMatrix } from '../../../src/learning/gaussian-process/tanimoto';
import type { LabelledSet } from '../../../src/learning/learning';
import { describeWithPython, runPython } from '../../support/python';
import { bitRows, fingerprints, hasBit, labelled, NOISE_RATIOS, noisy, truth } from '../synthetic';

const settings: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const gp = createGaussianProcess({ threads: 2 });
afterAll(() => gp.close());
const classes = (features: LabelledSet['features'], targets: ArrayLike<number>): LabelledSet => ({
  ...labelled(features, targets),
  task: 'classification',
});
const features = fingerprints(80, 1);
const y = noisy(truth(features), 1, 2).map((value) => (value > 7 ? 1 : 0));

describeWithPython('classification against scikit-learn', () => {
  test.each([0.5, 4, 60])(
    'mode, evidence and latent moments are those of its Laplace method (variance %d)',
    (variance) => {
      const encoded = encodeRows(buildFeatureSpace(features), features);
      const kernel = kernelMatrix(buildReference(encoded));
      const { latent, logEvidence } = laplacePosterior(exactSolver(kernel, 80), y, variance, 0);
      const oracle = runPython<{ pi: number[]; lml: number }>(
        `
import sys, json, numpy as np
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import Kernel
class Tanimoto(Kernel):
    def __init__(self, variance=1.0): self.variance = variance
    def __call__(self, X, Y=None, eval_gradient=False):
        Y = X if Y is None else Y; dot = X @ Y.T
        return self.variance * dot / (X.sum(1)[:, None] + Y.sum(1)[None] - dot)
    def diag(self, X): return np.full(len(X), self.variance)
    def is_stationary(self): return False
d = json.load(sys.stdin)
gpc = GaussianProcessClassifier(Tanimoto(d['variance']), optimizer=None, max_iter_predict=1000)
gpc.fit(np.array(d['x'], float), np.array(d['y'], int))
print(json.dumps(dict(pi=gpc.base_estimator_.pi_.tolist(), lml=float(gpc.base_estimator_.log_marginal_likelihood_value_))))`,
        { x: bitRows(features), y: [...y], variance },
      );
      // scikit-learn stops its Newton iterations when the likelihood gains less than 1e-10: its mode is good to about 1e-5.
      expect(logEvidence).toBeCloseTo(oracle.lml, 5);
      latent.forEach((f, i) => expect(logistic(f)).toBeCloseTo(oracle.pi[i]!, 4));
    },
  );
});

describe('classification', () => {
  const held = fingerprints(200, 3);
  const heldClass = truth(held).map((value) => (value > 7 ? 1 : 0));

  test('gives probabilities whose variance is that of the label, and that know the held-out classes', async () => {
    const model = await gp.fit({ settings, labelled: classes(features, y), seed: 1 });
    const { mean, aleatoric, epistemic } = await model.predict(held);
    mean.forEach((p, i) => {
      expect(p).toBeGreaterThan(0);
      expect(p).toBeLessThan(1);
      expect(aleatoric[i]! ** 2 + epistemic[i]! ** 2).toBeCloseTo(p * (1 - p), 9);
    });
    const right = heldClass.reduce((sum, c, i) => sum + (mean[i]! > 0.5 === (c === 1) ? 1 : 0), 0);
    expect(right / 200).toBeGreaterThan(0.7);
    const draws = await model.sample(selectFeatureRows(held, [0, 1, 2]), 2000, 4);
    const joint = await model.covariance(selectFeatureRows(held, [0, 1, 2]));
    for (let i = 0; i < 3; i++) {
      const average = draws.reduce((sum, draw) => sum + draw[i]! / 2000, 0);
      expect(Math.abs(average - mean[i]!)).toBeLessThan(0.02);
      expect(Math.sqrt(joint[i * 4]!)).toBeCloseTo(epistemic[i]!, 9);
    }
  });

  test('one active in fifty: it is ranked before nearly all others, and probabilities stay near the base rate', () => {
    const many = fingerprints(500, 8, 256, 20);
    // Actives carry a pattern of four bits that is rare by chance.
    const data = many.data.slice() as Uint8Array;
    const actives = Array.from({ length: 10 }, (_, k) => k * 50);
    for (const row of actives)
      for (const bit of [240, 245, 250, 254]) data[row * 32 + (bit >> 3)]! |= 1 << (bit & 7);
    const marked = { ...many, data };
    const label = Float64Array.from({ length: 500 }, (_, i) => (i % 50 === 0 ? 1 : 0));
    const trainRows = Array.from({ length: 250 }, (_, i) => i);
    const testRows = trainRows.map((i) => 250 + i);
    const set = classes(selectFeatureRows(marked, trainRows), label.slice(0, 250));
    for (const chosen of [settings, { ...settings, exactRows: 100, inducing: 120 }]) {
      const { mean } = predict(fitAndPrepare(chosen, set).model, selectFeatureRows(marked, testRows));
      const average = mean.reduce((sum, p) => sum + p / 250, 0);
      expect(average).toBeGreaterThan(0.006);
      expect(average).toBeLessThan(0.06);
      const order = [...mean.keys()].sort((a, b) => mean[b]! - mean[a]!);
      const found = order.slice(0, 25).filter((i) => label[250 + i] === 1).length;
      expect(found).toBeGreaterThanOrEqual(4);
    }
    expect(hasBit(marked, 0, 240)).toBe(1);
  });

  test('one class only, two rows, duplicates that disagree: finite probabilities', () => {
    const twice = selectFeatureRows(features, [0, 0, 1, 1]);
    for (const [set, y4] of [
      [selectFeatureRows(features, [0, 1, 2, 3]), [0, 0, 0, 0]],
      [selectFeatureRows(features, [0, 1]), [0, 1]],
      [twice, [0, 1, 1, 0]],
    ] as const) {
      const { mean, epistemic } = predict(fitAndPrepare(settings, classes(set, y4)).model, features);
      expect([...mean].every((p) => p > 0 && p < 1)).toBe(true);
      expect([...epistemic].every(Number.isFinite)).toBe(true);
    }
  });

  test('the moments of a probability are what many draws have', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -6, max: 6, noNaN: true }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        (mean, deviation) => {
          const random = createRandom(1);
          const draws = Float64Array.from({ length: 4000 }, () =>
            logistic(mean + deviation * random.normal()),
          );
          const { first, second } = probabilityMoments(mean, deviation);
          expect(Math.abs(draws.reduce((sum, p) => sum + p / 4000, 0) - first)).toBeLessThan(0.03);
          expect(Math.abs(draws.reduce((sum, p) => sum + (p * p) / 4000, 0) - second)).toBeLessThan(0.03);
        },
      ),
      { numRuns: 30 },
    );
  });
});
