import fc from 'fast-check';
import { hypergeometricTail } from '../../src/drift/statistics/hypergeometric';
import { permutationPValue, permutationTail } from '../../src/drift/statistics/permutation-tail';
import { compare, distancePValue, locationPValue, sharePValue } from '../../src/drift/statistics/two-sample';
import { createRandom, normalCdf, normalQuantile } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';

const sample = (n: number, seed: number, shift = 0, round = false) => {
  const random = createRandom(seed);
  const draw = () => random.normal() + shift;
  return Float64Array.from({ length: n }, () => (round ? Math.round(2 * draw()) : draw())).sort();
};

test('the quantile undoes the distribution function, out to the tails', () => {
  for (const p of [1e-12, 1e-6, 0.001, 0.02425, 0.3, 0.5, 0.9, 1 - 1e-9])
    expect(normalCdf(normalQuantile(p)) / p).toBeCloseTo(1, 9);
});

test('the bound holds: at every level no more random draws lie below it than it says', () => {
  const random = createRandom(4);
  // Skewed, with ties: what a normal approximation would get wrong.
  const scores = Float64Array.from({ length: 120 }, () => Math.floor(Math.exp(1.5 * random.normal())));
  const draws = 4000;
  const found = Array.from({ length: draws }, () => {
    const drawn = random.shuffle([...scores]).slice(0, 20);
    return permutationTail(
      scores,
      20,
      drawn.reduce((sum, score) => sum + score, 0),
    );
  });
  for (const level of [0.3, 0.1, 0.03, 0.01]) {
    const share = found.filter((p) => p <= level).length / draws;
    expect(share).toBeLessThan(level + 3 * Math.sqrt(level / draws));
  }
});

test('of zeros and ones the bound is that of Chernoff and Hoeffding, and never below the exact tail', () => {
  for (const [k, n, marked, total] of [
    [15, 20, 30, 120],
    [40, 60, 200, 500],
  ] as const) {
    const [share, usual] = [k / n, marked / total];
    const divergence = share * Math.log(share / usual) + (1 - share) * Math.log((1 - share) / (1 - usual));
    const bound = permutationTail(new Float64Array(total).fill(1, 0, marked), n, k);
    expect(bound / Math.exp(-n * divergence)).toBeCloseTo(1, 6);
    expect(bound).toBeGreaterThan(hypergeometricTail(k, n, marked, total));
  }
});

test('a sum of all the largest scores has the bound of that draw; one below the middle has none', () => {
  const scores = Float64Array.from([0, 0, 0, 0, 0, 0, 1, 1]);
  expect(permutationTail(scores, 2, 2)).toBeCloseTo((2 / 8) ** 2, 1);
  expect(permutationTail(scores, 2, 0)).toBe(1);
  expect(permutationPValue(new Float64Array(10).fill(3), 4, 12)).toBe(1);
});

test('property: exchanging the samples changes no p-value and turns the effect round', () => {
  const values = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 3, maxLength: 40 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [x, y] = [Float64Array.from(a).sort(), Float64Array.from(b).sort()];
      const [one, other] = [compare(x, y), compare(y, x)];
      expect(one.delta).toBeCloseTo(-other.delta, 12);
      expect(one.distance).toBeCloseTo(other.distance, 12);
      expect(sharePValue(3, a.length, 2, b.length)).toBeCloseTo(sharePValue(2, b.length, 3, a.length), 10);
    }),
  );
});

describeWithPython('against SciPy', () => {
  const cases = [
    { n: 60, m: 200, shift: 0.6, round: false },
    { n: 200, m: 1000, shift: 0.3, round: false },
    { n: 80, m: 300, shift: 0.5, round: true },
  ].map((each, i) => ({
    x: [...sample(each.n, i + 1, each.shift, each.round)],
    y: [...sample(each.m, 50 + i, 0, each.round)],
  }));
  const shares = [
    [12, 50, 30, 400],
    [200, 200, 295, 333],
    [0, 40, 9, 100],
  ] as const;
  let theirs: {
    tests: { distance: number; ks: number; u: number; normalScores: number }[];
    shares: number[];
  };
  beforeAll(() => {
    theirs = runPython(
      `
import json, sys
import numpy as np
from scipy import stats
given = json.load(sys.stdin)
out = []
for case in given["cases"]:
    x, y = np.array(case["x"]), np.array(case["y"])
    ks = stats.ks_2samp(x, y, method="exact" if len(x) < 100 else "asymp")
    u = stats.mannwhitneyu(x, y).statistic
    both = np.r_[x, y]
    scores = stats.norm.ppf(np.arange(1, len(both) + 1) / (len(both) + 1))
    order = np.sort(both)
    score = np.array([scores[order == v].mean() for v in x])
    out.append({"distance": ks.statistic, "ks": ks.pvalue, "u": u, "normalScores": score.sum()})
shares = [float(stats.hypergeom.sf(k - 1, n + m, k + l, n)) for k, n, l, m in given["shares"]]
json.dump({"tests": out, "shares": shares}, sys.stdout)
`,
      { cases, shares },
    );
  });

  test('distances, Mann-Whitney and normal scores are SciPy’s; the p-value of the distance is never smaller', () => {
    cases.forEach(({ x, y }, i) => {
      const found = compare(Float64Array.from(x), Float64Array.from(y));
      const their = theirs.tests[i]!;
      expect(found.distance).toBeCloseTo(their.distance, 12);
      expect(found.delta).toBeCloseTo((2 * their.u) / (x.length * y.length) - 1, 12);
      expect(found.sum).toBeCloseTo(their.normalScores, 8);
      expect(distancePValue(found)).toBeGreaterThanOrEqual(their.ks * 0.98);
      expect(locationPValue(Float64Array.from(x), Float64Array.from(y), found)).toBeLessThan(0.1);
    });
  });

  test('the exact test of shares is SciPy’s hypergeometric tail', () => {
    shares.forEach(([k, n, l, m], i) =>
      expect(hypergeometricTail(k, n, k + l, n + m) / theirs.shares[i]!).toBeCloseTo(1, 8),
    );
  });
});
