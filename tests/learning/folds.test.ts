import fc from 'fast-check';
import type { Qualifier } from '../../src/contracts';
import { stratifiedFolds } from '../../src/learning/folds';

const labels = fc.array(
  fc.record({
    y: fc.double({ min: -9, max: 9, noNaN: true }),
    q: fc.constantFrom<Qualifier>('=', '=', '<', '>'),
  }),
  { minLength: 2, maxLength: 60 },
);

describe('stratified folds', () => {
  test('of each kind of label the folds get equal shares, and any run of neighbours in value is spread over all folds', () => {
    fc.assert(
      fc.property(labels, fc.integer({ min: 2, max: 6 }), fc.integer(), (rows, folds, seed) => {
        const fold = stratifiedFolds(
          Float64Array.from(rows, (r) => r.y),
          rows.map((r) => r.q),
          folds,
          seed,
        );
        for (const measured of [true, false]) {
          const of = [...rows.keys()].filter((i) => (rows[i]!.q === '=') === measured);
          const counts = Array.from({ length: folds }, (_, f) => of.filter((i) => fold[i] === f).length);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          of.sort((a, b) => rows[a]!.y - rows[b]!.y || a - b);
          for (let at = 0; at + folds <= of.length; at += folds) {
            expect(new Set(of.slice(at, at + folds).map((i) => fold[i])).size).toBe(folds);
          }
        }
      }),
    );
  });

  test('the seed decides', () => {
    const y = Float64Array.from({ length: 30 }, (_, i) => i);
    const q = Array<Qualifier>(30).fill('=');
    expect(stratifiedFolds(y, q, 3, 1)).toEqual(stratifiedFolds(y, q, 3, 1));
    expect(stratifiedFolds(y, q, 3, 1)).not.toEqual(stratifiedFolds(y, q, 3, 2));
    expect(() => stratifiedFolds(y, q, 1, 1)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
