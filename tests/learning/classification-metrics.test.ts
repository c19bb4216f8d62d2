import fc from 'fast-check';
import { createRandom } from '../../src/foundation';
import {
  classificationMetrics,
  classificationMetricsWithIntervals,
  regressionMetricsWithIntervals,
  wilsonInterval,
} from '../../src/learning/metrics';
import { describeWithPython, runPython } from '../support/python';

/** Classes at `share`, with probabilities that know something of them; `levels` of them, so that ties occur. */
function draw(n: number, share: number, seed: number, levels = 20) {
  const random = createRandom(seed);
  const y = Float64Array.from({ length: n }, (_, i) =>
    i === 0 ? 1 : i === 1 ? 0 : +(random.next() < share),
  );
  const p = y.map((c) => Math.round(levels / (1 + Math.exp(-(2 * c - 1.5 + random.normal())))) / levels);
  return { y, p };
}

describeWithPython('classification figures against scikit-learn', () => {
  test('with ties, rare classes and few rows', () => {
    const sets = [draw(2, 0.5, 1), draw(60, 0.5, 2), draw(500, 0.03, 3), draw(400, 0.3, 4, 100000)];
    const script = `
import sys, json, numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, brier_score_loss, log_loss
out = []
for s in json.load(sys.stdin):
    y, p = np.array(s['y']), np.array(s['p'])
    out.append(dict(auprc=average_precision_score(y, p), auroc=roc_auc_score(y, p), brier=brier_score_loss(y, p), logLoss=log_loss(y, p)))
print(json.dumps(out))`;
    const input = sets.map(({ y, p }) => ({ y: [...y], p: [...p] }));
    const oracle = runPython<Record<'auprc' | 'auroc' | 'brier' | 'logLoss', number>[]>(script, input);
    sets.forEach(({ y, p }, i) => {
      const seen = classificationMetrics(y, p);
      for (const name of ['auprc', 'auroc', 'brier', 'logLoss'] as const)
        expect(seen[name]).toBeCloseTo(oracle[i]![name], 10);
    });
  });
});

describe('classification figures', () => {
  test('areas depend on ranks only; a probability that is the share of its level is calibrated', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 4, max: 80 }), (seed, n) => {
        const { y, p } = draw(n, 0.4, seed);
        const [plain, bent] = [
          classificationMetrics(y, p),
          classificationMetrics(
            y,
            p.map((v) => v ** 3),
          ),
        ];
        expect(bent.auprc).toBeCloseTo(plain.auprc, 12);
        expect(bent.auroc).toBeCloseTo(plain.auroc, 12);
      }),
      { numRuns: 30 },
    );
    const y = Float64Array.from({ length: 100 }, (_, i) => (i % 10 < 3 ? 1 : 0));
    expect(classificationMetrics(y, new Float64Array(100).fill(0.3)).calibrationError).toBeCloseTo(0, 10);
    expect(classificationMetrics(y, new Float64Array(100).fill(0.8)).calibrationError).toBeCloseTo(0.5, 10);
  });

  test('one class alone, or what is no probability, is refused', () => {
    const ones = Float64Array.from([1, 1]);
    expect(() => classificationMetrics(ones, Float64Array.from([0.5, 0.5]))).toThrow(
      expect.objectContaining({ code: 'labels-insufficient' }),
    );
    expect(() => classificationMetrics(Float64Array.from([0, 1]), Float64Array.from([0.5, 1.5]))).toThrow(
      expect.objectContaining({ code: 'numerical' }),
    );
  });
});

describe('confidence intervals', () => {
  const fresh = (seed: number) => {
    const random = createRandom(seed);
    const observed = Float64Array.from({ length: 100 }, () => random.normal());
    const mean = observed.map((y) => 0.8 * y + 0.6 * random.normal());
    return regressionMetricsWithIntervals(observed, mean, new Float64Array(100).fill(0.63), 7);
  };

  test('the same seed gives the same intervals, and each holds its figure', () => {
    const metrics = fresh(1);
    expect(fresh(1)).toEqual(metrics);
    for (const name of ['rmse', 'mae', 'r2', 'spearman', 'nll', 'coverage90'] as const) {
      const [low, high] = metrics.intervals![name]!;
      expect(low).toBeLessThan(metrics[name]);
      expect(high).toBeGreaterThan(metrics[name]);
    }
  });

  test('they hold what is true of the models about as often as they say', () => {
    // error = -0.2 y + 0.6 e, so the true RMSE is the root of 0.04 + 0.36.
    const inside = Array.from({ length: 120 }, (_, seed) => fresh(seed).intervals!.rmse!).filter(
      ([low, high]) => low <= Math.sqrt(0.4) && high >= Math.sqrt(0.4),
    );
    expect(inside.length / 120).toBeGreaterThan(0.86);
    expect(inside.length).toBeLessThan(120);
  });

  test("few positives make a wide interval, and Wilson's is the published one", () => {
    const wide = (share: number) => {
      const { y, p } = draw(600, share, 5);
      const [low, high] = classificationMetricsWithIntervals(y, p, 1).intervals!.auprc!;
      return high - low;
    };
    expect(wide(0.02)).toBeGreaterThan(2 * wide(0.4));
    // 81 of 263: Newcombe 1998, Statist. Med. 17, 857, table I, method 3.
    const [low, high] = wilsonInterval(81 / 263, 263);
    expect([low, high].map((end) => Number(end.toFixed(4)))).toEqual([0.2553, 0.3662]);
  });
});
