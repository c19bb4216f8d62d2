import { erfcx, inverseMills, normalCdf, normalLogCdf, normalPdf } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';

const grid = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** Largest relative difference; where the truth is 0, the absolute one. */
function worst(found: readonly number[], expected: readonly number[]): number {
  return Math.max(...found.map((x, i) => Math.abs(x - expected[i]!) / (Math.abs(expected[i]!) || 1)));
}

describeWithPython('the normal distribution against SciPy', () => {
  it('agrees on pdf, cdf, log cdf and erfcx into the tails', () => {
    const z = [...grid(-37, 8, 901), -1, -0.663, 0, 0.663, 1];
    const oracle = runPython<Record<'pdf' | 'cdf' | 'logcdf' | 'erfcx', number[]>>(
      `import json, sys, numpy as np
from scipy import special
z = np.array(json.load(sys.stdin))
print(json.dumps(dict(pdf=(np.exp(-z*z/2)/np.sqrt(2*np.pi)).tolist(), cdf=special.ndtr(z).tolist(), logcdf=special.log_ndtr(z).tolist(), erfcx=special.erfcx(-z/np.sqrt(2)).tolist())))`,
      z,
    );
    expect(worst(z.map(normalPdf), oracle.pdf)).toBeLessThan(5e-13);
    expect(worst(z.map(normalCdf), oracle.cdf)).toBeLessThan(5e-13);
    expect(worst(z.map(normalLogCdf), oracle.logcdf)).toBeLessThan(1e-13);
    expect(
      worst(
        z.map((x) => erfcx(-x / Math.SQRT2)),
        oracle.erfcx,
      ),
    ).toBeLessThan(5e-13);
  });

  it('agrees on the log cdf far out, where the cdf itself is zero', () => {
    const z = [-40, -100, -1e3, -1e6, -1e100];
    const oracle = runPython<number[]>(
      'import json, sys; from scipy import special; print(json.dumps([float(special.log_ndtr(x)) for x in json.load(sys.stdin)]))',
      z,
    );
    expect(worst(z.map(normalLogCdf), oracle)).toBeLessThan(1e-13);
  });

  it('agrees on the inverse of Mills ratio, which an EP update divides by', () => {
    const z = [-300, -40, -38, -10, -1.0000001, -0.9999999, -1e-9, 0, 0.3, 2.5, 6, 9];
    const oracle = runPython<number[]>(
      `import json, sys, numpy as np
from scipy.stats import norm
z = np.array(json.load(sys.stdin))
print(json.dumps(np.exp(norm.logpdf(z) - norm.logcdf(z)).tolist()))`,
      z,
    );
    expect(worst(z.map(inverseMills), oracle)).toBeLessThan(1e-11);
  });
});
