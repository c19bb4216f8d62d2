import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expectedImprovement, logExpectedImprovement } from '../../../src/acquisition/improvement';
import { createChemistry } from '../../../src/chemistry';
import {
  moleculeCapsSchema,
  standardisationSchema,
  type FeatureMatrix,
  type FeaturizerSpec,
  type GaussianProcessSettings,
} from '../../../src/contracts';
import { createRandom, normalCdf, packageRoot, selectFeatureRows } from '../../../src/foundation';
import { createGaussianProcess } from '../../../src/learning/gaussian-process';
import { boundRows, canBound } from '../../../src/learning/gaussian-process/bounds';
import { findDirections } from '../../../src/learning/gaussian-process/directions';
import { prepareModel } from '../../../src/learning/gaussian-process/model';
import { predictLatent } from '../../../src/learning/gaussian-process/posterior';
import { createStack } from '../../../src/learning/stack';
import type { BestRequest, FittedModel } from '../../../src/learning/learning';
import { fingerprints, labelled, NOISE_RATIOS, noisy, truth } from '../synthetic';
import { countMatrix, randomCountRows } from './count-rows';

const exact: GaussianProcessSettings = { family: 'gaussian-process', noiseRatios: NOISE_RATIOS };
const one = createGaussianProcess({ threads: 1 });
const two = createGaussianProcess({ threads: 2 });
const chemistry = createChemistry({ threads: 2 });
afterAll(async () => {
  await Promise.all([one.close(), two.close(), chemistry.close()]);
});

const spec: FeaturizerSpec = {
  kind: 'concatenation',
  parts: [{ kind: 'descriptors' }, { kind: 'morgan-counts', radius: 3 }, { kind: 'atom-pair-counts' }],
};

/** Molecules with measured solubilities; the example has rows that are no molecules, on purpose. */
async function molecules(): Promise<{ features: FeatureMatrix; values: number[] }> {
  const text = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8');
  const lines = [...text.matchAll(/([^",]+),(-?[\d.]+),\(/g)];
  const outcomes = await chemistry.standardise(
    lines.map((line) => ({ notation: 'smiles', text: line[1]! })),
    moleculeCapsSchema.parse({}),
    standardisationSchema.parse({}),
  );
  const kept = outcomes.flatMap((outcome, i) =>
    outcome.ok ? [{ molecule: outcome.molecule, value: Number(lines[i]![2]) }] : [],
  );
  const features = await chemistry.featurise(
    kept.map(({ molecule }) => molecule),
    spec,
  );
  return { features, values: kept.map(({ value }) => value) };
}

/** The rows that predicting and sorting finds, ties with the last too. */
async function sorted(
  model: FittedModel,
  features: FeatureMatrix,
  { count, floor = -Infinity, score }: BestRequest,
) {
  const { mean, epistemic, aleatoric } = await model.predict(features);
  const scores = Float64Array.from(mean, (value, i) => score(value, epistemic[i]!, aleatoric[i]!));
  const least = Math.max(floor, Float64Array.from(scores).sort().at(-count) ?? -Infinity);
  const rows = Uint32Array.from([...scores.keys()].filter((row) => scores[row]! >= least));
  const of = (values: Float64Array) => Float64Array.from(rows, (row) => values[row]!);
  return { rows, scores: of(scores), prediction: { mean: of(mean), epistemic: of(epistemic), aleatoric: of(aleatoric) } }; // prettier-ignore
}

const scoresFor = (best: number): Record<string, BestRequest['score']> => ({
  greedy: (mean) => mean,
  'greedy, least': (mean) => -mean,
  ucb: (mean, sigma) => mean + 2 * sigma,
  'ucb, least': (mean, sigma) => 2 * sigma - mean,
  ei: (mean, sigma) => expectedImprovement(mean, sigma, best),
  'log-ei': (mean, sigma) => logExpectedImprovement(mean, sigma, best),
  pi: (mean, sigma) => normalCdf((mean - best) / sigma),
  'pi of what is passed often': (mean, sigma) => normalCdf((mean + 3) / sigma),
  uncertainty: (_mean, sigma) => sigma,
  bald: (_mean, sigma, noise) => Math.log1p((sigma / noise) ** 2) / 2,
});

describe('the best rows on real molecules', () => {
  let features: FeatureMatrix;
  let values: number[];
  beforeAll(async () => {
    ({ features, values } = await molecules());
  });
  const training = Array.from({ length: 150 }, (_, i) => 6 * i);
  const fit = (settings: GaussianProcessSettings, gp = two) => {
    const set = labelled(
      selectFeatureRows(features, training),
      training.map((row) => values[row]!),
    );
    return gp.fit({ settings, labelled: set, seed: 1 });
  };

  test.each([
    ['exact', exact],
    ['sparse', { ...exact, exactRows: 100, inducing: 60 }],
  ])('are the rows and numbers of predicting and sorting, for every score (%s)', async (_, settings) => {
    const model = await fit(settings);
    for (const [name, score] of Object.entries(scoresFor(0))) {
      for (const count of [1, 20, 300]) {
        const { evaluated, ...found } = await model.best!(features, { count, score });
        expect({ name, ...found }).toEqual({ name, ...(await sorted(model, features, { count, score })) });
        expect(evaluated).toBeGreaterThanOrEqual(found.rows.length);
      }
    }
  });

  test('parts searched in turn, each from the best of those before, find the best of all', async () => {
    const model = await fit(exact);
    const score = scoresFor(0)['log-ei']!;
    const count = 25;
    // A pool in which every molecule comes twice: ties at every place.
    const pool = selectFeatureRows(features, Array.from({ length: 6000 }, (_, i) => (i * 7) % features.rows)); // prettier-ignore
    const whole = await sorted(model, pool, { count, score });
    let seen: { row: number; score: number }[] = [];
    let evaluated = 0;
    for (let from = 0; from < 6000; from += 3000) {
      const part = selectFeatureRows(
        pool,
        Array.from({ length: 3000 }, (_, i) => from + i),
      );
      const floor = seen.map((each) => each.score).sort((a, b) => b - a)[count - 1];
      const found = await model.best!(part, { count, score, floor });
      evaluated += found.evaluated;
      seen.push(...[...found.rows].map((row, i) => ({ row: row + from, score: found.scores[i]! })));
    }
    const least = whole.scores.reduce((a, b) => Math.min(a, b));
    seen = seen.filter((each) => each.score >= least).sort((a, b) => a.row - b.row);
    expect(seen.map((each) => each.row)).toEqual([...whole.rows]);
    expect(seen.map((each) => each.score)).toEqual([...whole.scores]);
    expect(evaluated).toBeLessThan(6000);
  });

  test('no number depends on the threads, and a stack of one model finds what the model finds', async () => {
    const request = { count: 30, score: scoresFor(0).ucb! };
    const [alone, together] = [await fit(exact, one), await fit(exact, two)];
    const found = await alone.best!(features, request);
    expect(await together.best!(features, request)).toEqual(found);
    const bases = { fit: () => Promise.resolve(together), load: () => Promise.resolve(together) };
    const set = labelled(features, values);
    const settings = {
      family: 'stack',
      models: [{ settings: exact, part: 0 }],
      weights: [1],
      folds: 3,
    } as const;
    const stack = await createStack(bases).fit({ settings, labelled: set, seed: 1 });
    expect(await stack.best!(features, request)).toEqual(found);
  });
});

test('no bound is below what is predicted, however little noise there is and whatever the rows', () => {
  const training = randomCountRows(90, 1, 4);
  const queries = randomCountRows(300, 2, 4, 90).map((row, i) => ({
    descriptors: row.descriptors.map((value) => value * (i % 3)),
    counts: i % 20 === 7 ? new Map<number, number>() : row.counts,
  }));
  const held = countMatrix([...queries, ...training]);
  const positive = (min: number, max: number) =>
    fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);
  fc.assert(
    fc.property(
      positive(1e-6, 10),
      positive(0.2, 5),
      fc.tuple(positive(0.01, 1), positive(0.01, 1), positive(0.01, 1)),
      fc.integer(),
      (noiseRatio, lengthScale, [structure, product, descriptors], seed) => {
        const sum = structure + product + descriptors;
        const mix = { structure: structure / sum, product: product / sum, descriptors: descriptors / sum, lengthScale }; // prettier-ignore
        const random = createRandom(seed);
        const model = prepareModel({
          features: countMatrix(training),
          mix,
          targets: Float64Array.from({ length: 90 }, () => random.normal()),
          weights: Float64Array.from({ length: 90 }, () => random.next()),
          noiseRatio,
          ...{ signalVariance: 1.3, mean: 0.2, shift: 4, scale: 2, facts: {} },
        });
        expect(canBound(model)).toBe(true);
        const directions = findDirections(model, selectFeatureRows(held, Array.from({ length: 50 }, (_, i) => 7 * i))); // prettier-ignore
        const { mean, reach, most } = boundRows(model, directions, held);
        const predicted = predictLatent(model, held);
        for (let row = 0; row < held.rows; row++) {
          const off = Math.abs(predicted.mean[row]! - mean[row]!);
          if (off > reach[row]! || predicted.deviation[row]! > most[row]!)
            throw new Error(
              `row ${row}: ${off} of ${reach[row]}, ${predicted.deviation[row]} of ${most[row]}`,
            );
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('where there is no bound, every row is evaluated: classes, descriptors among bits', async () => {
  const features = fingerprints(80, 1);
  const values = noisy(truth(features), 0.3, 2);
  const set = { ...labelled(features, Array.from(values, (value) => (value > 5 ? 1 : 0))), task: 'classification' as const }; // prettier-ignore
  const model = await two.fit({ settings: exact, labelled: set, seed: 1 });
  const pool = fingerprints(400, 3);
  const request = { count: 12, score: (mean: number, sigma: number) => mean + sigma };
  const { evaluated, ...found } = await model.best!(pool, request);
  expect(found).toEqual(await sorted(model, pool, request));
  expect(evaluated).toBe(400);
});

describe.each([
  ['exact', exact, undefined],
  ['sparse', { ...exact, exactRows: 30, inducing: 40 }, undefined],
  ['classes', exact, 'classification' as const],
])('the covariance of rows with others (%s)', (_, settings, task) => {
  test('is that block of their joint covariance', async () => {
    const features = countMatrix(randomCountRows(60, 1, 3));
    const values = noisy(truth(fingerprints(60, 1)), 0.4, 3);
    const targets = task ? Array.from(values, (value) => (value > 5 ? 1 : 0)) : values;
    const model = await two.fit({ settings, labelled: { ...labelled(features, targets), task }, seed: 1 });
    const all = countMatrix(randomCountRows(50, 2, 3, 200));
    const take = (from: number, to: number) =>
      selectFeatureRows(
        all,
        Array.from({ length: to - from }, (_, i) => from + i),
      );
    const joint = await model.covariance(all);
    const cross = await model.crossCovariance!(take(0, 20), take(20, 50));
    expect(cross).toHaveLength(600);
    cross.forEach((value, at) =>
      expect(value).toBeCloseTo(joint[Math.floor(at / 30) * 50 + 20 + (at % 30)]!, 12),
    );
    expect(await model.crossCovariance!(take(0, 0), take(20, 50))).toHaveLength(0);
  });
});
