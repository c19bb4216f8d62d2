import type { FeatureMatrix, GaussianProcessSettings, Qualifier } from '../../../src/contracts';
import { selectFeatureRows } from '../../../src/foundation';
import { createGaussianProcess } from '../../../src/learning/gaussian-process';
import { fitAndPrepare, fitGaussianProcess } from '../../../src/learning/gaussian-process/fit';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { chooseInducing } from '../../../src/learning/gaussian-process/inducing';
import { noiseDeviation } from '../../../src/learning/gaussian-process/model';
import { jointCovariance, predict } from '../../../src/learning/gaussian-process/posterior';
import { samplePathwise } from '../../../src/learning/gaussian-process/sampling';
import { createRandom } from '../../../src/foundation';
import { selectLabelledRows } from '../../../src/learning/labelled-set';
import type { LabelledSet } from '../../../src/learning/learning';
import { describeWithPython, runPython } from '../../support/python';
import { bitRows, fingerprints, labelled, NOISE_RATIOS, noisy, truth } from '../synthetic';
import { countMatrix, randomCountRows } from './count-rows';

const exact: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const sparse = (inducing: number): GaussianProcessSettings => ({ ...exact, exactRows: 20, inducing });
const fit = (settings: GaussianProcessSettings, set: LabelledSet) => fitAndPrepare(settings, set).model;
const gap = (a: Float64Array, b: Float64Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

const bits = fingerprints(80, 1);
const counts = countMatrix(randomCountRows(80, 1, 3));
const y = noisy(truth(bits), 0.4, 2);
const queries: [string, FeatureMatrix, FeatureMatrix][] = [
  ['bits', bits, fingerprints(30, 3)],
  ['counts and descriptors', counts, countMatrix(randomCountRows(30, 3, 3, 90))],
];

describe.each(queries)(
  'with every row an inducing molecule the sparse form is the exact process (%s)',
  (_, train, held) => {
    const compare = (set: LabelledSet, digits: number) => {
      const whole = fit(exact, set);
      const other = fit(sparse(80), set);
      const [a, b] = [predict(whole, held), predict(other, held)];
      for (const field of ['mean', 'epistemic', 'aleatoric'] as const)
        a[field].forEach((value, i) => expect(b[field][i]).toBeCloseTo(value, digits));
      expect(gap(jointCovariance(whole, held), jointCovariance(other, held))).toBeLessThan(10 ** -digits);
    };

    test('regression, with replicates', () => {
      const replicates = y.map((_value, i) => 1 + (i % 3));
      compare(labelled(train, y, { replicates }), 6);
    });

    test('classification', () => {
      const set = labelled(
        train,
        y.map((value) => (value > 8 ? 1 : 0)),
      );
      compare({ ...set, task: 'classification' }, 6);
    });

    test('censored values, as far as five sweeps settle what twelve do', () => {
      const qualifiers = Array.from(y, (value): Qualifier => (value < 6 ? '<' : '='));
      compare(
        labelled(
          train,
          y.map((value) => Math.max(6, value)),
          { qualifiers },
        ),
        1,
      );
    });
  },
);

describeWithPython('the sparse form against NumPy', () => {
  test('is the variational posterior and its bound', () => {
    const held = fingerprints(20, 3);
    const { definition, model } = fitAndPrepare(sparse(30), labelled(bits, y));
    const { mean, epistemic } = predict(model, held);
    const { mean: constant, signalDeviation, inducingMolecules } = definition.facts;
    expect(inducingMolecules).toBe(30);
    const oracle = runPython<{ mean: number[]; sd: number[]; lml: number }>(
      `
import sys, json, numpy as np
d = json.load(sys.stdin)
def k(a, b):
    a, b = np.array(a, float), np.array(b, float); dot = a @ b.T
    return dot / (a.sum(1)[:, None] + b.sum(1)[None] - dot)
s2 = d['signal'] ** 2; x = np.array(d['x']); z = x[d['z']]; q = np.array(d['q']); y = np.array(d['y']) - d['mean']
Kzz, Kzx, Kzq = k(z, z), k(z, x), k(z, q)
Q = s2 * Kzx.T @ np.linalg.solve(Kzz, Kzx)
C = Q + d['noise'] ** 2 * np.eye(len(x))
Qq = s2 * Kzq.T @ np.linalg.solve(Kzz, Kzx)
mean = d['mean'] + Qq @ np.linalg.solve(C, y)
var = s2 - np.einsum('ij,ji->i', Qq, np.linalg.solve(C, Qq.T))
lml = -0.5 * (y @ np.linalg.solve(C, y) + np.linalg.slogdet(C)[1] + len(y) * np.log(2 * np.pi) + (s2 - np.diag(Q)).sum() / d['noise'] ** 2)
print(json.dumps(dict(mean=mean.tolist(), sd=np.sqrt(var).tolist(), lml=lml)))`,
      {
        x: bitRows(bits),
        z: definition.features.moleculeIds.map((id) => bits.moleculeIds.indexOf(id)),
        q: bitRows(held),
        y: [...y],
        mean: constant,
        signal: signalDeviation,
        noise: noiseDeviation(model),
      },
    );
    mean.forEach((value, i) => expect(value).toBeCloseTo(oracle.mean[i]!, 6));
    epistemic.forEach((value, i) => expect(value).toBeCloseTo(oracle.sd[i]!, 6));
    expect(definition.facts.logMarginalLikelihood).toBeCloseTo(oracle.lml, 6);
  });
});

describe('the sparse form', () => {
  const many = fingerprints(700, 5);
  const clean = truth(many);
  const noise = noisy(clean, 0.5, 6);
  const train = Array.from({ length: 500 }, (_, i) => i);
  const held = selectFeatureRows(
    many,
    Array.from({ length: 200 }, (_, i) => 500 + i),
  );
  const set = selectLabelledRows(labelled(many, noise), train);

  test('comes nearer to the exact process with more inducing molecules', () => {
    const target = predict(fit(exact, set), held).mean;
    const gaps = [30, 150, 400].map((m) => gap(predict(fit(sparse(m), set), held).mean, target));
    expect(gaps[1]).toBeLessThan(gaps[0]!);
    expect(gaps[2]).toBeLessThan(gaps[1]! / 2);
  });

  test('predicts series of analogues better than the exact process on as many rows, nearly as well as on all', () => {
    const random = createRandom(7);
    const series = fingerprints(15, 8);
    const member = Array.from({ length: 600 }, () => random.below(15));
    const analogues = selectFeatureRows(series, member);
    for (let at = 0; at < analogues.data.length; at++)
      if (random.next() < 0.3) analogues.data[at]! ^= 1 << random.below(8);
    const effects = Array.from({ length: 15 }, () => 2 * random.normal());
    const values = Float64Array.from(member, (which) => effects[which]! + random.normal());
    const some = labelled(analogues, values);
    const rmse = (settings: GaussianProcessSettings, rows: number) => {
      const part = selectLabelledRows(some, train.slice(0, rows));
      const { mean } = predict(fit(settings, part), analogues);
      return Math.sqrt(
        member.slice(500).reduce((sum, which, i) => sum + (mean[500 + i]! - effects[which]!) ** 2 / 100, 0),
      );
    };
    expect(rmse(sparse(40), 500)).toBeLessThan(0.8 * rmse(exact, 40));
    expect(rmse(sparse(40), 500)).toBeLessThan(1.15 * rmse(exact, 500));
  });

  test('pathwise draws scatter by the predicted deviation', () => {
    const model = fit(sparse(60), set);
    const few = selectFeatureRows(held, [0, 1, 2, 3, 4, 5, 6, 7]);
    const { mean, epistemic } = predict(model, few);
    const draws = samplePathwise(model, encodeRows(model.space, few), 200, createRandom(4));
    mean.forEach((value, i) => {
      const seen = Math.sqrt(draws.reduce((sum, draw) => sum + (draw[i]! - value) ** 2 / 200, 0));
      expect(seen / epistemic[i]!).toBeGreaterThan(0.8);
      expect(seen / epistemic[i]!).toBeLessThan(1.2);
    });
  });

  test('duplicates are chosen once; what is wanted first comes first', () => {
    const twice = selectFeatureRows(bits, [...Array(40).keys(), ...Array(40).keys()]);
    const encoded = encodeRows(buildFeatureSpace(twice), twice);
    const chosen = chooseInducing(encoded, undefined, 80, [7, 47, 3]);
    expect(chosen).toHaveLength(40);
    expect(new Set(chosen.map((row) => row % 40)).size).toBe(40);
    expect(chosen.slice(0, 2)).toEqual([7, 3]);
    const { mean } = predict(fit(sparse(80), labelled(twice, y)), twice);
    expect(mean.every(Number.isFinite)).toBe(true);
  });

  test.each(queries)(
    'a loaded model predicts the same numbers, and the same fit is the same bytes (%s)',
    async (_, features, some) => {
      const gp = createGaussianProcess({ threads: 1 });
      try {
        for (const task of ['regression', 'classification'] as const) {
          const targets = task === 'regression' ? y : y.map((value) => (value > 8 ? 1 : 0));
          const request = {
            settings: sparse(40),
            labelled: { ...labelled(features, targets), task },
            seed: 1,
          };
          const model = await gp.fit(request);
          const bytes = await model.serialise();
          const loaded = await gp.load(bytes);
          expect(await loaded.predict(some)).toEqual(await model.predict(some));
          expect(await loaded.covariance(some)).toEqual(await model.covariance(some));
          expect(await loaded.sample(some, 2, 5)).toEqual(await model.sample(some, 2, 5));
          expect(Buffer.compare(await loaded.serialise(), bytes)).toBe(0);
          expect(Buffer.compare(await (await gp.fit(request)).serialise(), bytes)).toBe(0);
          for (const damaged of [
            bytes.subarray(0, bytes.length - 8),
            Buffer.concat([bytes, bytes.subarray(0, 1)]),
          ])
            await expect(gp.load(damaged)).rejects.toMatchObject({ code: 'artifact-corrupt' });
        }
        for (const wrong of [{ inducing: 0 }, { exactRows: 2.5 }])
          await expect(
            gp.fit({ settings: { ...exact, ...wrong }, labelled: labelled(features, y), seed: 1 }),
          ).rejects.toMatchObject({ code: 'config-invalid' });
      } finally {
        await gp.close();
      }
    },
  );

  test('keeps nothing of rows that are not inducing', () => {
    const definition = fitGaussianProcess(sparse(25), set);
    expect(definition.features.rows).toBe(25);
    expect(definition.targets).toHaveLength(0);
  });
});
