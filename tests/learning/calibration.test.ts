import fc from 'fast-check';
import { createRandom } from '../../src/foundation';
import { calibrate } from '../../src/learning/calibration';

/** n residuals whose true scatter is `factor` times what the model says. */
function draw(n: number, factor: number, seed: number) {
  const random = createRandom(seed);
  const mean = Float64Array.from({ length: n }, () => random.normal());
  const deviation = Float64Array.from({ length: n }, () => 0.2 + random.next());
  const observed = mean.map((m, i) => m + factor * deviation[i]! * random.normal());
  return { observed, mean, deviation };
}

describe('calibration', () => {
  test('with 30 values and more, the scaled interval holds at least 90 % and not needlessly many', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 200 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        fc.integer(),
        (n, factor, seed) => {
          const { observed, mean, deviation } = draw(n, factor, seed);
          const { coverage90After, scale } = calibrate(observed, mean, deviation);
          expect(coverage90After).toBeGreaterThanOrEqual(0.9);
          expect(coverage90After).toBeLessThanOrEqual(0.9 + 1.9 / n + 1e-9);
          expect(scale).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('finds the factor by which a model is too sure or not sure enough, and covers new values', () => {
    for (const factor of [0.4, 1, 3]) {
      const { observed, mean, deviation } = draw(2000, factor, 1);
      const { scale } = calibrate(observed, mean, deviation);
      expect(scale / factor).toBeGreaterThan(0.93);
      expect(scale / factor).toBeLessThan(1.07);
    }
  });

  test('scaling every deviation by c divides the scale by c, and shifting everything changes nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 60 }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.integer(),
        (n, c, seed) => {
          const { observed, mean, deviation } = draw(n, 1, seed);
          const plain = calibrate(observed, mean, deviation).scale;
          expect(
            calibrate(
              observed,
              mean,
              deviation.map((sd) => sd * c),
            ).scale * c,
          ).toBeCloseTo(plain, 9);
          expect(
            calibrate(
              observed.map((y) => y + 5),
              mean.map((m) => m + 5),
              deviation,
            ).scale,
          ).toBeCloseTo(plain, 9);
        },
      ),
    );
  });

  test('few values move the scale little: the fewer, the less', () => {
    const scaleOf = (n: number) =>
      calibrate(new Float64Array(n).fill(10), new Float64Array(n), new Float64Array(n).fill(1)).scale;
    const scales = [0, 1, 3, 10, 30].map(scaleOf);
    expect(scales[0]).toBe(1);
    for (let i = 1; i < scales.length; i++) expect(scales[i]).toBeGreaterThan(scales[i - 1]!);
    expect(scales[1]).toBeLessThan(1.1);
    expect(scales[4]).toBeCloseTo(10 / 1.6448536, 5);
  });

  test('perfect predictions leave a positive scale; deviations of zero are refused', () => {
    const zeros = new Float64Array(40);
    expect(calibrate(zeros, zeros, new Float64Array(40).fill(1))).toEqual({
      scale: 0.05,
      n: 40,
      coverage90Before: 1,
      coverage90After: 1,
    });
    expect(() => calibrate(zeros, zeros, zeros)).toThrow(expect.objectContaining({ code: 'numerical' }));
    expect(() => calibrate(zeros, new Float64Array(3), zeros)).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });
});
