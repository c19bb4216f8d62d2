import fc from 'fast-check';
import {
  coverageCurve,
  expectedBest,
  hypergeometricInterval,
  meanPredictorRmse,
  wilsonInterval,
} from '../../src/reporting/statistics';
import { niceTicks, tickLabels } from '../../src/reporting/charts/scale';
import { fixed, number } from '../../src/reporting/format';
import { createRandom } from '../../src/foundation';
import { describeWithPython, runPython } from '../support/python';

describeWithPython('the random baseline against exact integers', () => {
  it('agrees on the hypergeometric band', () => {
    const cases = [
      [1000, 100, 0],
      [1000, 100, 1],
      [1000, 100, 250],
      [1000, 100, 1000],
      [50, 5, 48],
      [50, 45, 20],
      [1_000_000, 100_000, 3000],
      [3, 1, 2],
      [10, 0, 5],
    ];
    const oracle = runPython<number[][]>(
      `import json, sys
from math import comb
def quantiles(N, K, n):
    k = max(0, n + K - N)
    term, total, below, found = comb(K, k) * comb(N - K, n - k), comb(N, n), 0, []
    while len(found) < 2:
        below += term
        while len(found) < 2 and 1000 * below >= (25, 975)[len(found)] * total: found.append(k)
        term = term * (K - k) * (n - k) // ((k + 1) * (N - K - n + k + 1)); k += 1
    return found
print(json.dumps([quantiles(*case) for case in json.load(sys.stdin)]))`,
      cases,
    );
    expect(cases.map(([pool, top, drawn]) => hypergeometricInterval(pool!, top!, drawn!, 0.95))).toEqual(
      oracle,
    );
  });
});

describe('baselines', () => {
  it('expects of n random values what averaging over every choice of n gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 9 }),
        fc.nat(),
        (values, k) => {
          const bestFirst = [...values].sort((a, b) => b - a);
          const n = 1 + (k % values.length);
          const choices = Array.from({ length: 2 ** values.length }, (_, mask) =>
            bestFirst.filter((_, i) => (mask >> i) & 1),
          ).filter((c) => c.length === n);
          const mean = choices.reduce((sum, choice) => sum + Math.max(...choice), 0) / choices.length;
          expect(expectedBest(bestFirst, n)).toBeCloseTo(mean, 9);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('finds a calibrated normal model on the diagonal, and one that is twice too sure below it', () => {
    const random = createRandom(5);
    const predictions = Array.from({ length: 4000 }, () => ({
      moleculeId: '',
      smiles: '',
      observed: 2 * random.normal(),
      predicted: 0,
      standardDeviation: 2,
      interval90: [0, 0] as const,
    }));
    const curve = coverageCurve(predictions, 2);
    curve.nominal.forEach((share, i) => {
      expect(Math.abs(curve.after[i]! - share)).toBeLessThan(
        4.5 * Math.sqrt((share * (1 - share)) / 4000) + 1e-9,
      );
    });
    expect(curve.before[curve.nominal.indexOf(0.9)]).toBeCloseTo(0.589, 1); // P(|Z| < 1.645 / 2)
  });

  it('bounds a proportion where its standard error reaches just to what was seen', () => {
    for (const [hits, n] of [
      [2, 16],
      [37, 200],
      [15, 16],
    ] as const) {
      for (const p of wilsonInterval(hits, n)) {
        expect(Math.abs(hits / n - p) / Math.sqrt((p * (1 - p)) / n)).toBeCloseTo(1.959963984540054, 9);
      }
    }
    expect(wilsonInterval(0, 16)[0]).toBe(0);
    expect(wilsonInterval(16, 16)[1]).toBe(1);
  });

  it('takes the spread of the values as the error of always answering the mean', () => {
    expect(meanPredictorRmse([1, 3])).toBe(1);
  });
});

describe('axes and numbers', () => {
  it('holds all data between round ticks that can be told apart', () => {
    const value = fc.oneof(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.integer({ min: -50, max: 50 }),
      fc.double({ min: 1000, max: 1000.001, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.boolean(), (values, zero) => {
        const ticks = niceTicks(values, { zero });
        const slack = 1e-8 * (ticks.domain[1] - ticks.domain[0]);
        expect(ticks.domain[0]).toBeLessThanOrEqual(Math.min(...values) + slack);
        expect(ticks.domain[1]).toBeGreaterThanOrEqual(Math.max(...values) - slack);
        expect(ticks.values.length).toBeLessThan(14);
        expect(ticks.values.length).toBeGreaterThan(1);
        const labels = tickLabels(ticks.values);
        expect(new Set(labels).size).toBe(labels.length);
      }),
    );
  });

  it('writes numbers as a reader expects them', () => {
    expect([0, -0.0004, 1234.5, 1234567, 0.00001234, -3.14159, 1e9].map((x) => number(x))).toEqual([
      '0',
      '-0.0004',
      '1,235',
      '1,234,567',
      '0.0000123',
      '-3.14',
      '1000000000',
    ]);
    expect([0, -0.0001, 1234.5, 0.25].map((x) => fixed(x, 2))).toEqual([
      '0.00',
      '-0.0001',
      '1,234.50',
      '0.25',
    ]);
    expect([number(null), fixed(undefined, 2)]).toEqual(['–', '–']);
  });
});
