import fc from 'fast-check';
import { createRandom } from '../../src/foundation';
import { applicabilityOf, isInside } from '../../src/learning/applicability';
import {
  applyCalibration,
  calibrateProbability,
  crossFittedProbability,
  sigmoid,
} from '../../src/learning/calibration';
import { describeWithPython, runPython } from '../support/python';
import { fingerprints } from './synthetic';

/** Classes drawn from sigmoid(slope x + intercept), with the probability that a model which ignores both would state. */
function draw(n: number, slope: number, intercept: number, seed: number) {
  const random = createRandom(seed);
  const x = Float64Array.from({ length: n }, () => 1.5 * random.normal());
  const observed = x.map((value) => +(random.next() < sigmoid(slope * value + intercept)));
  return { observed, probability: x.map(sigmoid) };
}

describe('calibrated probabilities', () => {
  test('find the slope and intercept by which a model is off', () => {
    const { observed, probability } = draw(20_000, 0.5, -1, 1);
    const found = calibrateProbability(observed, probability);
    expect(found.slope).toBeCloseTo(0.5, 1);
    expect(found.intercept).toBeCloseTo(-1, 1);
    expect(found.logLossAfter).toBeLessThan(found.logLossBefore);
  });

  test('keep the order of molecules, and the variance of a label', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 60 }), (seed, n) => {
        const { observed, probability } = draw(n, -1, 0.5, seed);
        const calibration = calibrateProbability(observed, probability);
        expect(calibration.slope).toBeGreaterThan(0);
        const epistemic = probability.map(() => 0.1);
        const { mean, ...parts } = applyCalibration(calibration, {
          mean: probability,
          aleatoric: epistemic,
          epistemic,
        });
        mean.forEach((p, i) => {
          expect(parts.aleatoric[i]! ** 2 + parts.epistemic[i]! ** 2).toBeCloseTo(p * (1 - p), 9);
          const higher = probability.findIndex((q) => q > probability[i]! + 1e-4);
          if (higher >= 0) expect(mean[higher]!).toBeGreaterThanOrEqual(p);
        });
      }),
      { numRuns: 40 },
    );
  });

  test('one class, or a perfect separation, gives finite numbers', () => {
    const ones = Float64Array.of(1, 1, 1);
    expect(calibrateProbability(ones, Float64Array.of(0.2, 0.3, 0.9))).toMatchObject({
      slope: 1,
      intercept: 0,
    });
    const split = calibrateProbability(Float64Array.of(0, 0, 1, 1), Float64Array.of(0, 0, 1, 1));
    expect(Number.isFinite(split.slope) && Number.isFinite(split.intercept)).toBe(true);
  });

  test("of one fold do not depend on that fold's classes", () => {
    const { observed, probability } = draw(90, 1, 0, 3);
    const folds = Int32Array.from({ length: 90 }, (_, i) => i % 3);
    const changed = observed.map((y, i) => (i % 3 === 0 ? 1 - y : y));
    const [before, after] = [observed, changed].map((y) => crossFittedProbability(folds, y, probability));
    for (let i = 0; i < 90; i += 3) expect(after![i]).toBe(before![i]);
    expect(after).not.toEqual(before);
  });
});

describeWithPython('Platt scaling against scikit-learn', () => {
  test('the same slope and intercept', () => {
    const { observed, probability } = draw(300, 2, 0.3, 4);
    const script = `
import sys, json, numpy as np
from sklearn.calibration import _SigmoidCalibration
d = json.load(sys.stdin); y, p = np.array(d['y']), np.array(d['p'])
c = _SigmoidCalibration().fit(np.log(p / (1 - p)), y)
print(json.dumps([-c.a_, -c.b_]))`;
    const [slope, intercept] = runPython<number[]>(script, { y: [...observed], p: [...probability] });
    const found = calibrateProbability(observed, probability);
    expect(found.slope).toBeCloseTo(slope!, 3);
    expect(found.intercept).toBeCloseTo(intercept!, 3);
  });
});

describe('the applicability domain', () => {
  const features = { ...fingerprints(120, 5), spec: { kind: 'maccs' as const } };
  const folds = Int32Array.from({ length: 120 }, (_, i) => i % 4);
  const rows = [...folds.keys()];

  test('leaves 5 % of the held-out molecules below its threshold, and tells the error by similarity', () => {
    const { threshold, bins } = applicabilityOf({
      fingerprints: features,
      folds,
      rows,
      errors: new Float64Array(120).fill(0.5),
    });
    expect(bins.reduce((sum, { n }) => sum + n, 0)).toBe(120);
    bins.forEach(({ error, similarity: [low, high] }, i) => {
      expect(error).toBeCloseTo(0.5, 12);
      expect(low).toBeLessThanOrEqual(high);
      if (i > 0) expect(low).toBeGreaterThanOrEqual(bins[i - 1]!.similarity[1]);
    });
    expect(threshold).toBeGreaterThan(bins[0]!.similarity[0]);
    expect(threshold).toBeLessThanOrEqual(bins[0]!.similarity[1]);
    expect(isInside({ threshold }, 1)).toBe(true);
    expect(isInside({ threshold }, 0)).toBe(false);
  });

  test('one fold tells nothing', () => {
    expect(() =>
      applicabilityOf({
        fingerprints: features,
        folds: new Int32Array(120),
        rows,
        errors: new Float64Array(120),
      }),
    ).toThrow(expect.objectContaining({ code: 'labels-insufficient' }));
  });
});
