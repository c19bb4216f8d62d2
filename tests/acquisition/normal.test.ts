import fc from 'fast-check';
import {
  erfcx,
  expectedImprovement,
  logExpectedImprovement,
  logStandardImprovement,
  normalCdf,
  normalLogCdf,
  normalPdf,
} from '../../src/acquisition/normal';
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

  it('agrees on expected improvement with its defining integral', () => {
    const cases = [...grid(-36, 6, 169), -1, -0.999, -10, -9.999].flatMap((z) =>
      [0.01, 1, 250].map((s) => [z * s + 3, s, 3]),
    );
    // E[max(0, Y - t)] = sigma phi(z) * integral of u exp(-u^2/2 + z u) over u > 0: no cancellation, so quad is exact to 1e-13.
    const oracle = runPython<{ log: number[]; plain: number[] }>(
      `import json, sys, numpy as np
from scipy import integrate
log, plain = [], []
for m, s, t in json.load(sys.stdin):
    z = (m - t) / s
    w = max(1.0, -z)
    f = lambda v: v / w**2 * np.exp(-(v / w)**2 / 2 + z * v / w)
    cuts = [0.0, 1.0, 3.0, 10.0, 40.0, 60.0 * w]
    total = sum(integrate.quad(f, a, b, epsabs=0, epsrel=1e-13, limit=200)[0] for a, b in zip(cuts, cuts[1:]) if b > a)
    log.append(float(np.log(s) - z*z/2 - np.log(2*np.pi)/2 + np.log(total)))
    plain.append(float(s * np.exp(-z*z/2) / np.sqrt(2*np.pi) * total))
print(json.dumps(dict(log=log, plain=plain)))`,
      cases,
    );
    const found = cases.map(([m, s, t]) => logExpectedImprovement(m!, s!, t!));
    // An absolute difference of logarithms is a relative difference of the values themselves.
    expect(Math.max(...found.map((x, i) => Math.abs(x - oracle.log[i]!)))).toBeLessThan(1e-10);
    expect(
      worst(
        cases.map(([m, s, t]) => expectedImprovement(m!, s!, t!)),
        oracle.plain,
      ),
    ).toBeLessThan(1e-10);
  });
});

describe('log expected improvement', () => {
  it('rises strictly with the prediction, also where the improvement itself underflows', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 30, noNaN: true }),
        fc.double({ min: 1e-3, max: 5, noNaN: true }),
        (z, step) => {
          expect(logStandardImprovement(z + step)).toBeGreaterThan(logStandardImprovement(z));
        },
      ),
    );
  });

  it('is smooth where one formula takes over from the next', () => {
    for (const seam of [-1, -10]) {
      const gap = logStandardImprovement(seam + 1e-9) - logStandardImprovement(seam - 1e-9);
      const slope = gap / 2e-9;
      expect(slope).toBeGreaterThan(0);
      expect(slope).toBeLessThan(-2 * seam + 3);
    }
  });

  it('is the certain improvement when nothing is uncertain', () => {
    expect(expectedImprovement(5, 0, 3)).toBeCloseTo(2, 14);
    expect(expectedImprovement(3, 0, 5)).toBe(0);
    expect(logExpectedImprovement(3, 0, 3)).toBe(-Infinity);
  });
});
