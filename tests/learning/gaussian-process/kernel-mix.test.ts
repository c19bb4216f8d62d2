import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { climb, type Objective } from '../../../src/learning/gaussian-process/ascent';
import { choleskyInPlace, dot } from '../../../src/learning/gaussian-process/cholesky';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { inverseOfProduct } from '../../../src/learning/gaussian-process/inverse';
import { mixForRegression, mixOf } from '../../../src/learning/gaussian-process/kernel-mix';
import {
  likelihoodAt,
  maximiseLikelihood,
  profileLikelihood,
} from '../../../src/learning/gaussian-process/marginal-likelihood';
import {
  mixAt,
  mixEvidence,
  mixRows,
  selectMixRows,
} from '../../../src/learning/gaussian-process/mix-evidence';
import {
  buildReference,
  kernelMatrix,
  type KernelMix,
} from '../../../src/learning/gaussian-process/tanimoto';
import { NOISE_RATIOS } from '../synthetic';
import { asVectors, countMatrix, randomCountRows, type CountRow } from './count-rows';

const encode = (rows: readonly CountRow[]) =>
  encodeRows(buildFeatureSpace(countMatrix(rows)), countMatrix(rows));

/** Values that structure, a descriptor and noise make together; standardised. */
function valuesOf(rows: readonly CountRow[], seed: number, noise: number): Float64Array {
  const random = createRandom(seed);
  const [vectors] = asVectors(rows);
  const weights = vectors![0]!.map(() => random.normal());
  const y = Float64Array.from(
    rows,
    ({ descriptors }, r) =>
      dot(Float64Array.from(vectors![r]!), 0, Float64Array.from(weights), 0, weights.length) / 5 +
      Math.tanh(descriptors[0]! / 10) +
      noise * random.normal(),
  );
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  const deviation = Math.sqrt(y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / y.length);
  return y.map((value) => (value - mean) / deviation);
}

const replicatesOf = (n: number) => Float64Array.from({ length: n }, (_, i) => 1 + (i % 3));
const all = (n: number) => new Uint8Array(n).fill(1);
const problem = (n: number, seed: number, noise = 0.3) => {
  const rows = randomCountRows(n, seed, 3);
  return { encoded: encode(rows), values: valuesOf(rows, seed + 1, noise), weights: replicatesOf(n) };
};

const points = fc.tuple(
  fc.double({ min: -3, max: 3, noNaN: true }),
  fc.double({ min: -3, max: 3, noNaN: true }),
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.double({ min: Math.log(1e-3), max: Math.log(3), noNaN: true }),
);

test('the inverse from a Cholesky factor, at sizes on both sides of the blocks', () => {
  for (const n of [1, 2, 31, 33, 63, 64, 65, 129]) {
    const random = createRandom(n);
    const root = Float64Array.from({ length: n * n }, () => random.normal());
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) a[i * n + j] = dot(root, i * n, root, j * n, n) / n + (i === j ? 0.1 : 0);
    const factor = a.slice();
    choleskyInPlace(factor, n);
    const inverse = inverseOfProduct(factor, n);
    const at = (i: number, j: number) => inverse[Math.max(i, j) * n + Math.min(i, j)]!;
    for (let i = 0; i < n; i++) {
      for (const j of [0, i, n - 1]) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += at(i, k) * a[k * n + j]!;
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 9);
      }
    }
  }
});

describe('the evidence of a mix', () => {
  const { encoded, values, weights } = problem(40, 1);
  const rows = mixRows(encoded, values, weights);

  test('is the marginal likelihood of its kernel at that noise ratio', () => {
    fc.assert(
      fc.property(points, (point) => {
        const kernel = kernelMatrix(buildReference(encoded, mixAt(point)));
        const known = likelihoodAt(profileLikelihood(kernel, values, weights, all(40)), Math.exp(point[3]))!;
        expect(mixEvidence(rows, point)!.logLikelihood).toBeCloseTo(known.logLikelihood, 8);
      }),
      { numRuns: 20 },
    );
  });

  test('has the gradient that differences show, and information that is positive semi-definite', () => {
    fc.assert(
      fc.property(points, (point) => {
        const { gradient, information } = mixEvidence(rows, point)!.derivatives();
        const step = 1e-5;
        point.forEach((_, k) => {
          const beside = (by: number) =>
            mixEvidence(
              rows,
              point.map((x, i) => (i === k ? x + by : x)),
            )!.logLikelihood;
          const difference = (beside(step) - beside(-step)) / (2 * step);
          expect(Math.abs(gradient[k]! - difference)).toBeLessThan(1e-4 * (1 + Math.abs(difference)));
        });
        const shifted = information.map((value, at) => value + (at % 5 === 0 ? 1e-9 : 0));
        expect(choleskyInPlace(shifted, 4)).toBe(-1);
      }),
      { numRuns: 20 },
    );
  });

  test('of some rows is that of these rows alone', () => {
    const some = [0, 3, 4, 11, 25, 26, 39];
    const part = selectMixRows(rows, some);
    const point = [0.3, -0.2, 0.1, Math.log(0.05)];
    const kernel = kernelMatrix(buildReference(encoded, mixAt(point)));
    const weighted = weights.map((weight, i) => (some.includes(i) ? weight : 0));
    const measured = Uint8Array.from(weighted, (weight) => (weight > 0 ? 1 : 0));
    const known = likelihoodAt(profileLikelihood(kernel, values, weighted, measured), 0.05)!;
    expect(mixEvidence(part, point)!.logLikelihood).toBeCloseTo(known.logLikelihood, 9);
  });
});

describe('the climb', () => {
  const free = { lower: [-Infinity, -Infinity], upper: [Infinity, Infinity] };
  /** Rosenbrock's valley, upside down: its top, 0, is at (1, 1). No curvature is offered. */
  const valley = (
    at: Omit<Objective, 'at'> & { forbidden?: (x: number, y: number) => boolean },
  ): Objective => ({
    lower: at.lower,
    upper: at.upper,
    at(point) {
      const [x, y] = point as [number, number];
      if (at.forbidden?.(x, y)) return null;
      return {
        point,
        value: -((1 - x) ** 2 + 10 * (y - x * x) ** 2),
        slopes: () => ({
          gradient: Float64Array.of(2 * (1 - x) + 40 * x * (y - x * x), -20 * (y - x * x)),
          curvature: new Float64Array(4),
        }),
      };
    },
  });
  const effort = { tolerance: 1e-12, trials: 200 };

  test('finds the top of a bent valley, around places where there is no value', () => {
    const top = climb(valley(free), [-1.2, 1], effort)!;
    expect(top.point[0]).toBeCloseTo(1, 4);
    expect(top.point[1]).toBeCloseTo(1, 4);
    const around = climb(valley({ ...free, forbidden: (x, y) => x > 1.05 || y > 1.1 }), [-1.2, 1], effort)!;
    expect(around.point[0]).toBeCloseTo(1, 4);
  });

  test('stays within bounds and goes along them', () => {
    const top = climb(valley({ lower: [-2, -2], upper: [0.5, 0.1] }), [-1.2, 0], effort)!;
    expect(top.point[1]).toBe(0.1);
    // Along y = 0.1 the slope by x is 0 where 20 x^3 - x - 1 = 0.
    expect(top.point[0]).toBeCloseTo(0.4138, 3);
  });

  test('tries no more often than told, and gives nothing from where there is no value', () => {
    let tried = 0;
    const counting = (objective: Objective): Objective => ({
      ...objective,
      at: (point) => (tried++, objective.at(point)),
    });
    const place = climb(counting(valley(free)), [-1.2, 1], { tolerance: 1e-12, trials: 7 })!;
    expect(tried).toBe(7);
    expect(place.value).toBeGreaterThan(valley(free).at([-1.2, 1])!.value);
    expect(climb(valley({ ...free, forbidden: () => true }), [0, 0], effort)).toBeNull();
  });
});

describe('the mix that is chosen', () => {
  /** Log likelihood of a mix, noise at its best, less the prior's cost. */
  const scoreOf = ({ encoded, values, weights }: ReturnType<typeof problem>, mix: KernelMix): number => {
    const kernel = kernelMatrix(buildReference(encoded, mix));
    const profile = profileLikelihood(kernel, values, weights, all(values.length));
    const logs = [mix.product / mix.structure, mix.descriptors / mix.structure, mix.lengthScale].map(
      Math.log,
    );
    return (
      maximiseLikelihood(profile, NOISE_RATIOS).logLikelihood - 0.01 * logs.reduce((sum, x) => sum + x * x, 0)
    );
  };
  const chosen = ({ encoded, values, weights }: ReturnType<typeof problem>) =>
    mixOf(encoded, values, weights, all(values.length), NOISE_RATIOS)!;

  const expectTop = (task: ReturnType<typeof problem>) => {
    const top = scoreOf(task, chosen(task));
    for (const product of [-2.5, 0, 2.5])
      for (const descriptors of [-2.5, 0, 2.5])
        for (const length of [-1, 0, 1])
          expect(scoreOf(task, mixAt([product, descriptors, length]))).toBeLessThan(top + 0.25);
  };

  test.each([
    ['little noise', 0.05],
    ['as much noise as signal', 1],
  ])('no mix of a grid is more than a trifle better: %s', (_, noise) => {
    for (const seed of [1, 2]) expectTop(problem(70, 10 * seed, noise));
  });

  test('nor where the way up from the least noise ratio ends on a lower top', () => {
    const rows = randomCountRows(40, 31, 3);
    const random = createRandom(31);
    const values = Float64Array.from(
      rows,
      ({ descriptors }) => Math.sin(descriptors[0]! / 5) + 0.5 * random.normal(),
    );
    expectTop({ encoded: encode(rows), values, weights: new Float64Array(40).fill(1) });
  });

  test('of many rows: from a part of them first, and the same bits again', () => {
    const task = problem(200, 5);
    const mix = chosen(task);
    expect(chosen(problem(200, 5))).toEqual(mix);
    expect(scoreOf(task, mix)).toBeGreaterThan(scoreOf(task, mixAt([0, 0, 0])));
    expect(mix.structure + mix.product + mix.descriptors).toBeCloseTo(1, 12);
  });

  test('with too few measured rows, even; rows that are no measurements do not count', () => {
    const task = problem(60, 6);
    const measured = Uint8Array.from({ length: 60 }, (_, i) => (i < 19 ? 1 : 0));
    const weights = task.weights.map((weight, i) => weight * measured[i]!);
    const even = mixOf(task.encoded, task.values, weights, measured, NOISE_RATIOS)!;
    expect(even).toEqual({ structure: 1 / 3, product: 1 / 3, descriptors: 1 / 3, lengthScale: 1 });
    measured[19] = 1;
    weights[19] = 1;
    expect(mixOf(task.encoded, task.values, weights, measured, NOISE_RATIOS)).not.toEqual(even);
  });

  test('of a screen that is regressed on, structure alone; of any third value, what is likeliest', () => {
    const task = problem(60, 8);
    const measured = all(60);
    const median = [...task.values].sort((a, b) => a - b)[30]!;
    const values = task.values.map((value) => (value > median ? 2 : -0.5));
    const mix = () => mixForRegression(task.encoded, values, task.weights, measured, NOISE_RATIOS)!;
    expect(mix()).toEqual({ structure: 1, product: 0, descriptors: 0, lengthScale: 1 });
    expect(mixOf(task.encoded, values, task.weights, measured, NOISE_RATIOS)!.structure).toBeLessThan(1);
    values[0] = 1;
    expect(mix()).toEqual(mixOf(task.encoded, values, task.weights, measured, NOISE_RATIOS));
    // A bound is no value.
    measured[0] = 0;
    expect(mix().structure).toBe(1);
  });

  test('values that are all the same still give a mix', () => {
    const task = { ...problem(30, 7), values: new Float64Array(30) };
    for (const part of Object.values(chosen(task))) expect(Number.isFinite(part)).toBe(true);
  });
});
