import { inverseMills, logNormalCdf, normalCdf } from '../../src/learning/normal';
import { describeWithPython, runPython } from '../support/python';

describeWithPython('the normal distribution against SciPy', () => {
  const z = [
    -300, -40, -38, -10, -5, -2.5000001, -2.4999999, -1, -1e-9, 0, 1e-9, 0.3, 2.4999999, 2.5, 6, 9, 40,
  ];
  const oracle = runPython<{ cdf: number[]; log: number[]; mills: number[] }>(
    `
import sys, json, numpy as np
from scipy.stats import norm
z = np.array(json.load(sys.stdin))
print(json.dumps(dict(cdf=norm.cdf(z).tolist(), log=norm.logcdf(z).tolist(), mills=np.exp(norm.logpdf(z) - norm.logcdf(z)).tolist())))`,
    z,
  );

  test.each(z.map((value, i) => [value, i] as const))('z = %d', (value, i) => {
    const near = (seen: number, expected: number) =>
      expect(Math.abs(seen - expected)).toBeLessThanOrEqual(1e-11 * Math.abs(expected) + 1e-300);
    near(normalCdf(value), oracle.cdf[i]!);
    near(logNormalCdf(value), oracle.log[i]!);
    near(inverseMills(value), oracle.mills[i]!);
  });
});
