import { createRandom } from '../../src/foundation';
import { calibrate } from '../../src/learning/calibration';
import { crossFittedDeviation } from '../../src/learning/calibration';

describe('cross-fitted deviations', () => {
  const random = createRandom(1);
  const n = 120;
  const folds = Int32Array.from({ length: n }, (_, i) => i % 3);
  const mean = new Float64Array(n);
  const deviation = new Float64Array(n).fill(1);
  const observed = Float64Array.from({ length: n }, () => 2 * random.normal());

  test('each fold is scaled by the calibration of the others, not by its own residuals', () => {
    const scaled = crossFittedDeviation(folds, observed, mean, deviation);
    const others = [...folds.keys()].filter((row) => folds[row] !== 1);
    const take = (from: Float64Array) => Float64Array.from(others, (row) => from[row]!);
    const { scale } = calibrate(take(observed), take(mean), take(deviation));
    expect(scaled[1]).toBe(scale);
    const changed = crossFittedDeviation(
      folds,
      observed.map((y, row) => (folds[row] === 1 ? 100 * y : y)),
      mean,
      deviation,
    );
    expect(changed[1]).toBe(scaled[1]);
    expect(changed[0]).not.toBe(scaled[0]);
  });

  test('a single fold comes back as it is', () => {
    expect(crossFittedDeviation(new Int32Array(n), observed, mean, deviation)).toEqual(deviation);
  });
});
