import fc from 'fast-check';
import type { FeatureMatrix, StackSettings } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import { createGaussianProcess } from '../../src/learning/gaussian-process';
import type { FittedModel, Learning, ModelFamilyAdapter, Prediction } from '../../src/learning/learning';
import { bundleOf } from '../../src/learning/recipe';
import { combinePredictions, createStack, crossFittedWeights, stackWeights } from '../../src/learning/stack';
import { describeWithPython, runPython } from '../support/python';
import { fingerprints, labelled, NOISE_RATIOS, noisy, truth } from './synthetic';

/** Out-of-fold means of models whose errors have these sizes and share a part of it. */
function evidence(n: number, sizes: readonly number[], shared: number, seed: number) {
  const random = createRandom(seed);
  const observed = Float64Array.from({ length: n }, () => random.normal());
  const common = observed.map(() => shared * random.normal());
  const means = sizes.map((size) => observed.map((y, i) => y + common[i]! + size * random.normal()));
  return { task: 'regression' as const, observed, means };
}
const error = (observed: Float64Array, means: readonly Float64Array[], weights: readonly number[]) =>
  observed.reduce((sum, y, i) => sum + (y - weights.reduce((m, w, k) => m + w * means[k]![i]!, 0)) ** 2, 0) /
  observed.length;

describe('weights of a stack', () => {
  test('lie on the simplex and are never worse than the best model on what they were fitted to', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.double({ min: 0.05, max: 3, noNaN: true }), { minLength: 1, maxLength: 5 }),
        (seed, sizes) => {
          const set = evidence(60, sizes, 0.2, seed);
          const weights = stackWeights(set);
          expect(weights.every((weight) => weight >= 0)).toBe(true);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
          const alone = sizes.map((_, k) =>
            error(
              set.observed,
              set.means,
              sizes.map((__, m) => (m === k ? 1 : 0)),
            ),
          );
          // A weight below 0.02 is dropped, which may cost its square.
          expect(error(set.observed, set.means, weights)).toBeLessThanOrEqual(Math.min(...alone) * 1.02);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('equal and independent models share; a useless one, or a copy, gets nothing', () => {
    const [a, b] = stackWeights(evidence(4000, [1, 1], 0, 1)) as [number, number];
    expect(Math.abs(a - b)).toBeLessThan(0.1);
    expect(stackWeights(evidence(400, [0.1, 3], 0.5, 2))).toEqual([1, 0]);
    const set = evidence(50, [0.5], 0, 3);
    expect(stackWeights({ ...set, means: [set.means[0]!, set.means[0]!] })).toEqual([1, 0]);
  });

  test('of a classification follow the likelihood', () => {
    const random = createRandom(4);
    const observed = Float64Array.from({ length: 600 }, () => +(random.next() < 0.3));
    const knows = observed.map((y) => (y ? 0.8 : 0.1));
    const ignorant = observed.map(() => 0.3);
    const weights = stackWeights({ task: 'classification', observed, means: [ignorant, knows] });
    expect(weights[1]).toBeGreaterThan(0.9);
  });

  test("of one fold do not depend on that fold's targets", () => {
    const set = evidence(60, [0.4, 0.5], 0.1, 5);
    const folds = Int32Array.from({ length: 60 }, (_, i) => i % 3);
    const changed = { ...set, observed: set.observed.map((y, i) => (i % 3 === 1 ? y + 9 : y)) };
    const [before, after] = [crossFittedWeights(set, folds), crossFittedWeights(changed, folds)];
    expect(after.get(1)).toEqual(before.get(1));
    expect(after.get(0)).not.toEqual(before.get(0));
  });
});

describeWithPython('weights against SciPy', () => {
  test('the penalised least squares on the simplex', () => {
    const sets = [evidence(80, [0.5, 0.6, 0.9], 0.3, 6), evidence(200, [0.3, 0.31, 0.32, 2], 0.2, 7)];
    const script = `
import sys, json, numpy as np
from scipy.optimize import minimize
out = []
for s in json.load(sys.stdin):
    y, M = np.array(s['observed']), np.array(s['means'])
    E = M - y; G = E @ E.T / len(y); best = int(np.argmin(np.diag(G)))
    c = np.full(len(M), 2 * G[best, best] / len(y)); c[best] = 0
    r = minimize(lambda w: w @ G @ w + c @ w, np.full(len(M), 1 / len(M)), bounds=[(0, 1)] * len(M), constraints=[dict(type='eq', fun=lambda w: w.sum() - 1)], method='SLSQP', options=dict(ftol=1e-14, maxiter=500))
    out.append(list(r.x))
print(json.dumps(out))`;
    const input = sets.map(({ observed, means }) => ({
      observed: [...observed],
      means: means.map((mean) => [...mean]),
    }));
    const oracle = runPython<number[][]>(script, input);
    sets.forEach((set, i) =>
      stackWeights(set).forEach((weight, m) => expect(Math.abs(weight - oracle[i]![m]!)).toBeLessThan(0.02)),
    );
  });
});

test('disagreement counts as not knowing, and the total variance is that of the mixture', () => {
  const one = (mean: number, aleatoric: number, epistemic: number): Prediction => ({
    mean: Float64Array.of(mean),
    aleatoric: Float64Array.of(aleatoric),
    epistemic: Float64Array.of(epistemic),
  });
  const mixed = combinePredictions([one(0, 0.3, 0.4), one(2, 0.5, 0)], () => [0.75, 0.25]);
  expect(mixed.mean[0]).toBeCloseTo(0.5, 12);
  const second = 0.75 * (0.25 + 0) + 0.25 * (0.25 + 4);
  expect(mixed.aleatoric[0]! ** 2 + mixed.epistemic[0]! ** 2).toBeCloseTo(second - 0.25, 12);
});

describe('a stack of Gaussian processes', () => {
  const bases: ModelFamilyAdapter = createGaussianProcess({ threads: 1 });
  const learning: Pick<Learning, 'fit' | 'load'> = {
    fit: (request) => bases.fit(request),
    load: (_family, bytes) => bases.load(bytes),
  };
  const stack = createStack(learning);
  const gp = { family: 'gaussian-process' as const, noiseRatios: NOISE_RATIOS };
  const settings: StackSettings = {
    family: 'stack',
    models: [
      { settings: gp, part: 0 },
      { settings: gp, part: 1 },
    ],
    folds: 3,
  };
  const good = fingerprints(60, 1);
  const other: FeatureMatrix = {
    ...fingerprints(60, 9),
    spec: { kind: 'morgan', radius: 3, bits: 256, counts: 'none' },
  };
  const features = bundleOf([good, other]);
  const set = labelled(features, noisy(truth(good), 0.3, 2));
  let model: FittedModel;
  beforeAll(async () => {
    model = await stack.fit({ settings, labelled: set, seed: 1 });
  });
  afterAll(async () => {
    model.dispose();
    await bases.close();
  });

  test('weighs by evidence, and comes back from its bytes with the same numbers', async () => {
    expect(model.facts['1 gaussian-process: weight']).toBeGreaterThan(0.7);
    const loaded = await stack.load(await model.serialise());
    expect(await loaded.predict(features)).toEqual(await model.predict(features));
    loaded.dispose();
  });

  test('given its weights, it trains only what has one, and is that model', async () => {
    const alone = await stack.fit({ settings: { ...settings, weights: [0, 1] }, labelled: set, seed: 1 });
    const plain = await bases.fit({ settings: gp, labelled: { ...set, features: other }, seed: 5 });
    expect((await alone.predict(features)).mean).toEqual((await plain.predict(other)).mean);
    alone.dispose();
    plain.dispose();
  });

  test('draws scatter as its epistemic deviation says', async () => {
    const { mean, epistemic } = await model.predict(features);
    const draws = await model.sample(features, 800, 3);
    const squares = mean.map(
      (m, i) => draws.reduce((sum, draw) => sum + (draw[i]! - m) ** 2, 0) / draws.length,
    );
    squares.slice(0, 10).forEach((square, i) => {
      expect(Math.sqrt(square) / epistemic[i]!).toBeGreaterThan(0.85);
      expect(Math.sqrt(square) / epistemic[i]!).toBeLessThan(1.15);
    });
  });

  test('refuses other features, stacks of stacks, weights that are none and bytes that are none', async () => {
    await expect(model.predict(bundleOf([other, good]))).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(model.predict(other)).rejects.toMatchObject({ code: 'config-invalid' });
    for (const weights of [[1], [0.5, 0.6], [1.5, -0.5]])
      await expect(
        stack.fit({ settings: { ...settings, weights }, labelled: set, seed: 1 }),
      ).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(stack.load(new Uint8Array(40))).rejects.toMatchObject({ code: 'artifact-corrupt' });
    await expect(stack.load((await model.serialise()).slice(0, -1))).rejects.toMatchObject({
      code: 'artifact-corrupt',
    });
  });
});
