import fc from 'fast-check';
import {
  averagePrecisionScore,
  bootstrapMeans,
  intervalOf,
  ones,
  quantile,
  rmseScore,
  shareInterval,
  verdictOf,
} from '../../../scripts/peers/statistics';
import { createRandom } from '../../../src/foundation';
import { describeWithPython, runPython } from '../../support/python';

const ORACLE = `
import json, sys, numpy as np
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, mean_squared_error
given, answers = json.load(sys.stdin), []
for case in given:
    labels, scores, weights = (np.array(case[key]) for key in ('labels', 'scores', 'weights'))
    inside = int(labels.sum())
    wilson = binomtest(inside, len(labels)).proportion_ci(method='wilson')
    answers.append(dict(
        precision=average_precision_score(labels, scores, sample_weight=weights),
        rmse=float(np.sqrt(mean_squared_error(labels, scores, sample_weight=weights))),
        quantiles=np.quantile(scores, [0, 0.025, 0.5, 0.975, 1]).tolist(),
        wilson=[wilson.low, wilson.high]))
print(json.dumps(answers))
`;

describeWithPython('figures of scikit-learn, NumPy and SciPy', () => {
  test('with ties and with rows that count several times', () => {
    const random = createRandom(3);
    const cases = [2, 7, 40, 300].map((n) => ({
      // The first two rows make sure that both classes are there and count.
      labels: Array.from({ length: n }, (_, i) => (i < 2 ? i : random.below(4) === 0 ? 1 : 0)),
      scores: Array.from({ length: n }, () => random.below(n) / n),
      weights: Array.from({ length: n }, (_, i) => (i < 2 ? 1 : random.below(3))),
    }));
    const oracle = runPython<{ precision: number; rmse: number; quantiles: number[]; wilson: number[] }[]>(
      ORACLE,
      cases,
    );
    for (const [i, { labels, scores, weights }] of cases.entries()) {
      const theirs = oracle[i]!;
      expect(averagePrecisionScore(labels, scores)(weights)).toBeCloseTo(theirs.precision, 12);
      expect(rmseScore(labels, scores)(weights)).toBeCloseTo(theirs.rmse, 12);
      const quantiles = [0, 0.025, 0.5, 0.975, 1].map((q) => quantile(scores, q));
      for (const [k, value] of quantiles.entries()) expect(value).toBeCloseTo(theirs.quantiles[k]!, 12);
      const inside = labels.reduce((sum, label) => sum + label, 0);
      const { lower, upper } = shareInterval(inside, labels.length);
      expect([lower, upper]).toEqual(theirs.wilson.map((bound) => expect.closeTo(bound, 10)));
    }
  });
});

describe('the paired bootstrap', () => {
  const normal = (n: number, seed: number, spread: number) => {
    const random = createRandom(seed);
    return Array.from({ length: n }, () => spread * random.normal());
  };
  const zeros = (n: number) => Array.from({ length: n }, () => 0);

  test('gives the standard error of a mean of squares', () => {
    const errors = normal(400, 1, 1);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = errors.map((error) => error ** 2);
    const variance = mean(squares.map((square) => (square - mean(squares)) ** 2));
    // By the delta method the root's standard error is that of the mean over twice the root.
    const expected = Math.sqrt(variance / errors.length) / (2 * Math.sqrt(mean(squares)));
    const strata = [[[...errors.keys()]]];
    const scores = [[rmseScore(zeros(400), errors)]];
    const [draws] = bootstrapMeans({ strata, scores, resamples: 4000, seed: 2 });
    const average = mean([...draws!]);
    const spread = Math.sqrt(mean([...draws!].map((draw) => (draw - average) ** 2)));
    expect(spread / expected).toBeGreaterThan(0.95);
    expect(spread / expected).toBeLessThan(1.05);
  });

  test('pairs: a method that is always off by the same factor differs by exactly that share', () => {
    const input = {
      strata: [90, 60, 75].map((n) => [Array.from({ length: n }, (_, i) => i)]),
      scores: [1, 1.1].map((factor) =>
        [90, 60, 75].map((n, split) => {
          const errors = normal(n, split, 1).map((error) => error * factor);
          return rmseScore(zeros(n), errors);
        }),
      ),
      resamples: 200,
      seed: 4,
    };
    const [ours, theirs] = bootstrapMeans(input);
    for (const [i, own] of ours!.entries()) expect(theirs![i]! / own).toBeCloseTo(1.1, 12);
    expect(bootstrapMeans(input)).toEqual([ours, theirs]);
    expect(bootstrapMeans({ ...input, seed: 5 })).not.toEqual([ours, theirs]);
  });

  test('never leaves a split without its active', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.integer(), (n, seed) => {
        const labels = Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));
        const strata = [[[0], labels.flatMap((label, i) => (label ? [] : [i]))]];
        const scores = [[averagePrecisionScore(labels, normal(n, seed, 1))]];
        const [draws] = bootstrapMeans({ strata, scores, resamples: 20, seed });
        return draws!.every((draw) => draw > 0 && draw <= 1);
      }),
    );
  });
});

test('a verdict needs an interval without 0, and knows which way is better', () => {
  const draws = Float64Array.from({ length: 1001 }, (_, i) => i / 1000);
  expect(intervalOf(0.4, draws)).toEqual({
    mean: 0.4,
    lower: expect.closeTo(0.025, 9),
    upper: expect.closeTo(0.975, 9),
  });
  const below = { mean: -2, lower: -3, upper: -1 };
  const above = { mean: 2, lower: 1, upper: 3 };
  expect(verdictOf({ mean: 0.1, lower: -1, upper: 2 }, true)).toBe('level');
  expect([verdictOf(below, true), verdictOf(below, false)]).toEqual(['better', 'worse']);
  expect([verdictOf(above, true), verdictOf(above, false)]).toEqual(['worse', 'better']);
  expect(ones(3)).toEqual(Float64Array.of(1, 1, 1));
});
