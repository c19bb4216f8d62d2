import fc from 'fast-check';
import { createRandom } from '../../src/foundation';
import { midRanks, regressionMetrics, spearman } from '../../src/learning/metrics';
import { describeWithPython, runPython } from '../support/python';

describeWithPython('metrics against SciPy and scikit-learn', () => {
  test('with ties and without', () => {
    const random = createRandom(1);
    const sets = [5, 40].map((n) => {
      const y = Array.from({ length: n }, () => Math.round(random.normal() * 3));
      return { y, mean: y.map((v) => Math.round(v + random.normal())), sd: y.map(() => 0.3 + random.next()) };
    });
    const script = `
import sys, json, numpy as np
from scipy.stats import norm, spearmanr
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
out = []
for s in json.load(sys.stdin):
    y, m, sd = (np.array(s[k]) for k in ('y', 'mean', 'sd'))
    low, high = norm.interval(0.9, m, sd)
    out.append(dict(n=len(y), rmse=float(np.sqrt(mean_squared_error(y, m))), mae=float(mean_absolute_error(y, m)), r2=float(r2_score(y, m)),
        spearman=float(spearmanr(y, m)[0]), nll=float(-norm.logpdf(y, m, sd).mean()), coverage90=float(((y >= low) & (y <= high)).mean())))
print(json.dumps(out))`;
    const oracle = runPython<Record<string, number>[]>(script, sets);
    sets.forEach(({ y, mean, sd }, i) => {
      const seen = regressionMetrics(Float64Array.from(y), Float64Array.from(mean), Float64Array.from(sd));
      for (const [name, value] of Object.entries(oracle[i]!))
        expect(seen[name as keyof typeof seen]).toBeCloseTo(value, 10);
    });
  });
});

describe('metrics', () => {
  const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 30 });

  test('Spearman depends on ranks only, is symmetric and lies in [-1, 1]', () => {
    fc.assert(
      fc.property(numbers, fc.integer(), (values, seed) => {
        const a = Float64Array.from(values);
        const b = Float64Array.from(createRandom(seed).shuffle(values));
        const rho = spearman(a, b);
        expect(Math.abs(rho)).toBeLessThanOrEqual(1 + 1e-12);
        expect(spearman(b, a)).toBeCloseTo(rho, 12);
        expect(
          spearman(
            midRanks(a).map((r) => r ** 3),
            b,
          ),
        ).toBeCloseTo(rho, 12);
      }),
    );
  });

  test('constant values give numbers that JSON can spell', () => {
    const ones = new Float64Array(4).fill(1);
    expect(regressionMetrics(ones, ones, new Float64Array(4))).toMatchObject({
      r2: 1,
      spearman: 0,
      rmse: 0,
      coverage90: 1,
    });
    const off = regressionMetrics(ones, new Float64Array(4).fill(2), ones);
    expect(off).toMatchObject({ r2: 0, rmse: 1, coverage90: 1 });
  });

  test('what is no number is refused', () => {
    const one = Float64Array.from([1]);
    expect(() => regressionMetrics(one, Float64Array.from([NaN]), one)).toThrow(
      expect.objectContaining({ code: 'numerical' }),
    );
    expect(() => regressionMetrics(one, one, Float64Array.from([-1]))).toThrow(
      expect.objectContaining({ code: 'numerical' }),
    );
    expect(() => regressionMetrics(one, new Float64Array(2), one)).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
    expect(() => regressionMetrics(new Float64Array(), new Float64Array(), new Float64Array())).toThrow(
      expect.objectContaining({ code: 'labels-insufficient' }),
    );
  });
});
