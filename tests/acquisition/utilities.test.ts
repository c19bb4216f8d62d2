import fc from 'fast-check';
import { utilityOf, type UtilityRequest } from '../../src/acquisition';
import {
  digamma,
  distanceTo,
  improvementTowards,
  labelInformation,
  logMass,
} from '../../src/acquisition/utilities';
import { normalPdf } from '../../src/foundation';

/** E[f(Y)] of a normal Y, by Simpson's rule. */
function expectation(mean: number, sigma: number, f: (y: number) => number): number {
  const steps = 40_000;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const z = -12 + (24 * i) / steps;
    const weight = i === 0 || i === steps ? 1 : i % 2 ? 4 : 2;
    sum += weight * normalPdf(z) * f(mean + sigma * z);
  }
  return (sum * 24) / (3 * steps);
}

const base: UtilityRequest = {
  ...{ direction: 'maximize', goal: { kind: 'best' }, task: 'regression', kappa: 1, incumbent: 0.5 },
};
const range = { from: 1, to: 2 };

describe('scores of one candidate', () => {
  it('expects the improvement towards a range that its definition does', () => {
    for (const [mean, sigma, nearest] of [
      [0, 1, 0.8],
      [1.4, 0.3, 0.5],
      [4, 0.7, 1.5],
    ] as const) {
      const gain = (y: number) => Math.max(0, nearest - distanceTo(range, y));
      expect(improvementTowards(range, mean, sigma, nearest)).toBeCloseTo(expectation(mean, sigma, gain), 6);
    }
  });

  it('knows the mass in a range, and keeps it in order far from it', () => {
    const inside = (y: number) => Number(y >= 1 && y <= 2);
    for (const [mean, sigma] of [
      [0, 1],
      [1.4, 0.3],
      [4, 0.7],
    ] as const)
      expect(Math.exp(logMass(range, mean, sigma))).toBeCloseTo(expectation(mean, sigma, inside), 3);
    const far = [-40, -60, -80, 50, 70].map((mean) => logMass(range, mean, 1));
    expect(far.every(Number.isFinite)).toBe(true);
    expect([...far.slice(0, 3)].sort((a, b) => b - a)).toEqual(far.slice(0, 3));
    expect(logMass(range, 1.5, 0)).toBe(0);
    expect(logMass(range, 2.5, 0)).toBe(-Infinity);
  });

  it('looks for improvement towards a range until something measured lies in it, then for the mass in it', () => {
    const goal = { kind: 'range', ...range } as const;
    const near = { mean: 1.5, sigma: 0.1, noise: 0 };
    expect(utilityOf('ei', { ...base, goal, incumbent: 0.2 }).value(near)).toBeCloseTo(0.8, 6);
    expect(utilityOf('ei', { ...base, goal, incumbent: 1.2 }).value(near)).toBeCloseTo(1, 5);
    expect(utilityOf('greedy', { ...base, goal }).score(2.25, 1, 0)).toBe(-0.25);
    expect(utilityOf('ucb', { ...base, goal }).score(2.25, 1, 0)).toBe(0.75);
    const certain = utilityOf('log-ei', { ...base, goal, incumbent: 0.2 });
    for (const [mean, sigma] of [
      [1.5, 0],
      [9, 0],
      [900, 1],
    ] as const)
      expect(certain.score(mean, sigma, 0)).not.toBeNaN();
    expect(certain.score(1.5, 0.1, 0)).toBeGreaterThan(certain.score(900, 1, 0));
    expect(certain.score(800, 1, 0)).toBeGreaterThan(certain.score(900, 1, 0));
  });

  it('measures improvement from the threshold where actives are looked for', () => {
    const goal = { kind: 'actives', threshold: 2 } as const;
    const utility = utilityOf('pi', { ...base, goal });
    const belief = { mean: 2, sigma: 0.3, noise: 0.1 };
    expect(utility.value(belief)).toBeCloseTo(0.5, 12);
    expect(utility.reason(belief, 0.5)).toBe(
      'Beyond the threshold (2.00) with a probability of 50 %: predicted 2.00 ± 0.30.',
    );
  });

  it('splits what improvement is made of', () => {
    fc.assert(
      fc.property(
        ...[fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: 0.01, max: 3, noNaN: true })],
        (mean, sigma) => {
          const utility = utilityOf('ei', base);
          const belief = { mean, sigma, noise: 0 };
          const { exploit, explore } = utility.terms!(belief);
          expect(exploit + explore).toBeCloseTo(utility.value(belief), 9);
        },
      ),
    );
  });

  it('never falls as the deviation grows, at a mean short of the incumbent', () => {
    fc.assert(
      fc.property(
        ...[fc.double({ min: -3, max: 0.5, noNaN: true }), fc.double({ min: 0.01, max: 3, noNaN: true })],
        fc.constantFrom('greedy', 'ucb', 'ei', 'log-ei', 'pi', 'uncertainty', 'bald'),
        (mean, sigma, strategy) => {
          const { score } = utilityOf(strategy, base);
          expect(score(mean, 1.1 * sigma, 0.2)).toBeGreaterThanOrEqual(score(mean, sigma, 0.2) - 1e-12);
        },
      ),
    );
  });

  it('reckons the information of a measurement and of a label', () => {
    // Half the logarithm of the ratio of the variances of a measurement, with and without what is not known.
    const bald = utilityOf('bald', base);
    expect(bald.score(0, 0.6, 0.8)).toBeCloseTo(Math.log(1 / 0.8), 12);
    // The digamma function at 1 is minus Euler's constant; at 1/2 less 2 log 2.
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 12);
    expect(digamma(0.5)).toBeCloseTo(-0.5772156649015329 - 2 * Math.LN2, 12);
    // A uniform probability: log 2 less the mean entropy of a coin, 1/2.
    expect(labelInformation(0.5, Math.sqrt(1 / 12))).toBeCloseTo(Math.LN2 - 0.5, 10);
    // A probability that is 0 or 1, nobody knows which: the label tells all.
    expect(labelInformation(0.5, 0.5)).toBeCloseTo(Math.LN2, 12);
    expect(labelInformation(0.3, 0)).toBe(0);
    expect(labelInformation(1, 0)).toBe(0);
  });
});
