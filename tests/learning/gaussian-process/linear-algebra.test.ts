import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { factorBand, reduceToBand } from '../../../src/learning/gaussian-process/band';
import {
  choleskyInPlace,
  dot,
  logDeterminant,
  solveLowerInPlace,
  solveLowerTransposeInPlace,
} from '../../../src/learning/gaussian-process/cholesky';
import { tridiagonalise } from '../../../src/learning/gaussian-process/tridiagonal';

function positiveDefinite(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const factor = Float64Array.from({ length: n * n }, () => random.normal());
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) a[i * n + j] = dot(factor, i * n, factor, j * n, n) / n + (i === j ? 0.1 : 0);
  return a;
}

const lower = (l: Float64Array, n: number) =>
  l.map((value, at) => (at % n <= Math.floor(at / n) ? value : 0));
// Sizes on both sides of the block and tile boundaries.
const sizes = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(47, 48, 49, 95, 97, 130));

describe('Cholesky factorisation', () => {
  test('L L^T is the matrix, and its determinant is that of the pivots', () => {
    fc.assert(
      fc.property(sizes, fc.integer(), (n, seed) => {
        const a = positiveDefinite(n, seed);
        const l = a.slice();
        expect(choleskyInPlace(l, n)).toBe(-1);
        const clean = lower(l, n);
        for (let i = 0; i < n; i++)
          for (let j = 0; j <= i; j++)
            expect(dot(clean, i * n, clean, j * n, n)).toBeCloseTo(a[i * n + j]!, 10);
        expect(logDeterminant(l, n)).toBeCloseTo(
          2 * Array.from({ length: n }, (_, i) => Math.log(l[i * n + i]!)).reduce((x, y) => x + y),
          9,
        );
      }),
      { numRuns: 25 },
    );
  });

  test('solves do not depend on how right-hand sides are grouped, bit for bit', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), fc.integer(), (n, count, seed) => {
        const l = positiveDefinite(n, seed);
        choleskyInPlace(l, n);
        const random = createRandom(seed + 1);
        const right = Float64Array.from({ length: n * count }, () => random.normal());
        const together = right.slice();
        solveLowerInPlace(l, n, together, count);
        for (let c = 0; c < count; c++) {
          const alone = right.slice(c * n, (c + 1) * n);
          solveLowerInPlace(l, n, alone, 1);
          expect(together.slice(c * n, (c + 1) * n)).toEqual(alone);
          for (let i = 0; i < n; i++)
            expect(dot(l, i * n, alone, 0, i + 1)).toBeCloseTo(right[c * n + i]!, 9);
        }
        const x = right.slice(0, n);
        solveLowerTransposeInPlace(l, n, x);
        const clean = lower(l, n);
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let i = 0; i < n; i++) sum += clean[i * n + j]! * x[i]!;
          expect(sum).toBeCloseTo(right[j]!, 8);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('a matrix that is not positive definite is refused with the row of the pivot', () => {
    expect(choleskyInPlace(Float64Array.from([1, 0, 2, 1]), 2)).toBe(1);
    expect(choleskyInPlace(Float64Array.from([NaN]), 1)).toBe(0);
  });
});

describe('reduction to a band', () => {
  test('keeps determinant and quadratic forms at any shift', () => {
    const sizesOfBands = fc.constantFrom(1, 2, 3, 47, 48, 49, 50, 51, 97, 98, 130, 290);
    fc.assert(
      fc.property(
        sizesOfBands,
        fc.integer(),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (n, seed, shift) => {
          const a = positiveDefinite(n, seed);
          const random = createRandom(seed + 3);
          const v = Float64Array.from({ length: n }, () => random.normal());
          const w = Float64Array.from({ length: n }, () => random.normal());
          const l = a.slice();
          for (let i = 0; i < n; i++) l[i * n + i]! += shift;
          choleskyInPlace(l, n);
          const [tv, tw] = [v.slice(), w.slice()];
          const { logDet, solved } = factorBand(reduceToBand(a, n, [tv, tw]), shift, [tv, tw])!;
          solveLowerInPlace(l, n, v, 1);
          solveLowerInPlace(l, n, w, 1);
          expect(logDet).toBeCloseTo(logDeterminant(l, n), 8);
          expect(dot(solved[0]!, 0, solved[1]!, 0, n)).toBeCloseTo(dot(v, 0, w, 0, n), 7);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('says so where the shift leaves it indefinite, and survives blocks with nothing to eliminate', () => {
    const n = 120;
    const ones = new Float64Array(n * n).fill(1);
    const band = reduceToBand(ones, n, []);
    expect(factorBand(band, -1, [])).toBeNull();
    expect(factorBand(band, 1, [])!.logDet).toBeCloseTo(Math.log(n + 1), 9);
  });
});

describe('tridiagonal reduction', () => {
  test('keeps trace, Frobenius norm and every v^T A w', () => {
    fc.assert(
      fc.property(sizes, fc.integer(), (n, seed) => {
        const a = positiveDefinite(n, seed);
        const random = createRandom(seed + 2);
        const v = Float64Array.from({ length: n }, () => random.normal());
        const w = Float64Array.from({ length: n }, () => random.normal());
        let expected = 0;
        for (let i = 0; i < n; i++) expected += v[i]! * dot(a, i * n, w, 0, n);
        const [tv, tw] = [v.slice(), w.slice()];
        const { diagonal, offDiagonal } = tridiagonalise(a.slice(), n, [tv, tw]);
        let seen = 0;
        let norm = 0;
        for (let i = 0; i < n; i++) {
          const before = i > 0 ? offDiagonal[i]! : 0;
          const after = i + 1 < n ? offDiagonal[i + 1]! : 0;
          seen +=
            tv[i]! *
            (diagonal[i]! * tw[i]! +
              (i > 0 ? before * tw[i - 1]! : 0) +
              (i + 1 < n ? after * tw[i + 1]! : 0));
          norm += diagonal[i]! ** 2 + 2 * before ** 2;
        }
        expect(seen).toBeCloseTo(expected, 8);
        expect(norm).toBeCloseTo(dot(a, 0, a, 0, n * n), 8);
        expect(dot(tv, 0, tw, 0, n)).toBeCloseTo(dot(v, 0, w, 0, n), 9);
      }),
      { numRuns: 25 },
    );
  });

  test('survives matrices with nothing to eliminate', () => {
    const identity = Float64Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect([...tridiagonalise(identity, 3, []).diagonal]).toEqual([1, 1, 1]);
    const ones = new Float64Array(36).fill(1);
    const { diagonal } = tridiagonalise(ones, 6, []);
    expect(diagonal.reduce((x, y) => x + y)).toBeCloseTo(6, 12);
  });
});
