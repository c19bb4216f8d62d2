import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { buildFeatureSpace, encodeRows } from '../../../src/learning/gaussian-process/feature-space';
import { CONSTANT_VECTORS, putConstants } from '../../../src/learning/gaussian-process/kernel-loops';
import { createKernelMachine } from '../../../src/learning/gaussian-process/kernel-machine';
import { Levels } from '../../../src/learning/gaussian-process/levels';
import { buildReference, kernelRow, kernelRows } from '../../../src/learning/gaussian-process/tanimoto';
import { fingerprints } from '../synthetic';
import { countMatrix, randomCountRows, type CountRow } from './count-rows';

const mix = { structure: 0.3, product: 0.25, descriptors: 0.45, lengthScale: 0.8 };

/** Rows of which some have nothing, some a count beyond a byte, and some many keys. */
function unevenRows(rows: number, seed: number, descriptors: number): CountRow[] {
  const random = createRandom(seed);
  return randomCountRows(rows, seed, descriptors).map((row, i) => {
    const counts = new Map(i % 7 === 3 ? [] : row.counts);
    if (i % 5 === 1) for (const key of counts.keys()) counts.set(key, 1 + random.below(400));
    if (i % 6 === 2) for (let key = 0; key < 300; key++) counts.set(key, 1 + random.below(3));
    return { ...row, counts };
  });
}

describe('kernel values of many rows', () => {
  const cases: [string, number, number, boolean][] = [
    ['counts and descriptors', 300, 5, true],
    ['few labels', 3, 2, true],
    ['counts alone', 140, 0, false],
  ];
  test.each(cases)(
    'are those of the plain path, whatever the calls (%s)',
    (_, labels, descriptors, apart) => {
      const training = countMatrix(unevenRows(labels, 1, descriptors));
      const space = buildFeatureSpace(training);
      const reference = buildReference(encodeRows(space, training), apart ? mix : undefined);
      expect(reference.dense).toBeDefined();
      const query = encodeRows(space, countMatrix(unevenRows(150, 2, descriptors)));
      const all = new Float64Array(150 * labels);
      kernelRows(reference, query, 0, 150, all);
      const plain = new Float64Array(150 * labels);
      const overlap = new Int32Array(labels);
      for (let r = 0; r < 150; r++) kernelRow(reference, query, r, overlap, plain, r * labels);
      let worst = 0;
      all.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - plain[i]!))));
      expect(worst).toBeLessThan(1e-14);
      const few = new Float64Array(37 * labels);
      kernelRows(reference, query, 70, 37, few);
      expect(few).toEqual(all.slice(70 * labels, 107 * labels));
    },
  );

  test('bits: exactly those of the plain path', () => {
    const training = fingerprints(200, 1, 512, 60);
    const space = buildFeatureSpace(training);
    const reference = buildReference(encodeRows(space, training));
    const query = encodeRows(space, fingerprints(50, 2, 512, 60));
    const all = new Float64Array(50 * 200);
    kernelRows(reference, query, 0, 50, all);
    const plain = new Float64Array(50 * 200);
    for (let r = 0; r < 50; r++) kernelRow(reference, query, r, new Int32Array(200), plain, r * 200);
    expect(all).toEqual(plain);
  });
});

/** exp(-x) as the machine makes it, from a descriptor distance of x. */
function exponentials(double: boolean, x: readonly number[]): number[] {
  const machine = createKernelMachine(65_536);
  const Type = double ? Float64Array : Float32Array;
  const place = (index: number) => 4096 * index;
  const view = (index: number, length: number) => new Type(machine.memory, place(index), length);
  new Uint16Array(machine.memory, place(0), x.length).fill(1);
  view(2, x.length).set(x);
  const row = { own: 3, square: 0, factor: -1, structure: 0, product: 0, descriptors: 1 };
  putConstants(view(5, (16 / Type.BYTES_PER_ELEMENT) * CONSTANT_VECTORS), row);
  const run = double ? machine.mixed64 : machine.mixed32;
  const end = place(4) + x.length * Type.BYTES_PER_ELEMENT;
  run(place(0), place(1), place(2), place(3), place(4), end, place(5));
  return [...view(4, x.length)];
}

test.each([
  ['float64', true, 4e-16, 690],
  ['float32', false, 4e-7, 75],
] as const)('the exponential is right to rounding (%s)', (_, double, error, limit) => {
  const random = createRandom(4);
  let worst = 0;
  for (let round = 0; round < 50; round++) {
    const x = Array.from({ length: 400 }, (_, i) => {
      const drawn = i === 0 ? 0 : i === 1 ? limit : random.next() ** 4 * limit;
      return double ? drawn : Math.fround(drawn);
    });
    // The float32 argument is reduced in float32: what that costs grows with the argument, and the value falls faster.
    exponentials(double, x).forEach((value, i) => {
      const off = Math.abs(value - Math.exp(-x[i]!));
      worst = Math.max(worst, double ? off / Math.exp(-x[i]!) : off);
    });
  }
  expect(worst).toBeLessThan(error);
});

test('a level is the interpolation between the knots around the value, wherever it is', () => {
  const value = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
  fc.assert(
    fc.property(fc.uniqueArray(value, { minLength: 2, maxLength: 60 }), fc.array(value), (drawn, others) => {
      const knots = drawn.map((x) => x + 0).sort((a, b) => a - b);
      if (new Set(knots).size !== knots.length) return;
      const scores = knots.map((_, i) => i / knots.length + 0.25 / knots.length);
      const levels = new Levels({
        layout: 'dense',
        knotStarts: Int32Array.from([0, knots.length]),
        knotValues: Float64Array.from(knots),
        knotLevels: Float64Array.from(scores),
      });
      for (const x of [...knots, ...others, knots[0]! - 1, knots.at(-1)! + 1]) {
        const at = knots.findLastIndex((knot) => knot <= x);
        const known = knots[at] === x;
        const wanted =
          at < 0 ? 0
          : known ? scores[at]!
          : at === knots.length - 1 ? 1
          : scores[at]! + ((x - knots[at]!) / (knots[at + 1]! - knots[at]!)) * (scores[at + 1]! - scores[at]!); // prettier-ignore
        expect(levels.of(0, x)).toBe(wanted);
      }
    }),
  );
});
