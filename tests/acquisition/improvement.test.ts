import fc from 'fast-check';
import {
  expectedImprovement,
  logExpectedImprovement,
  logStandardImprovement,
} from '../../src/acquisition/improvement';
import { describeWithPython, runPython } from '../support/python';

const grid = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** Largest relative difference; where the truth is 0, the absolute one. */
function worst(found: readonly number[], expected: readonly number[]): number {
  return Math.max(...found.map((x, i) => Math.abs(x - expected[i]!) / (Math.abs(expected[i]!) || 1)));
}

describeWithPython('expected improvement against its definition', () => {
  it('agrees with the integral, by SciPy, into the tails', () => {
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
