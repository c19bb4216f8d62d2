import fc from 'fast-check';
import { aggregateValues, meanAndSpread } from '../../src/measurements';

const value = (v: number, qualifier: '=' | '<' | '>' = '=') => ({
  moleculeId: 'mol_00000000000000000000000000000001',
  smiles: 'CO',
  value: v,
  qualifier,
});

describe('aggregating values', () => {
  test.each([
    ['one value', [value(2)], { value: 2, qualifier: '=', replicates: 1, spread: 0, boundsOnly: false }],
    [
      'replicates',
      [value(1), value(2), value(3)],
      { value: 2, qualifier: '=', replicates: 3, spread: 1, boundsOnly: false },
    ],
    [
      'bounds beside values',
      [value(1), value(9, '>'), value(3)],
      { value: 2, qualifier: '=', replicates: 2, spread: Math.SQRT2 },
    ],
    [
      'lower bounds',
      [value(3, '>'), value(5, '>')],
      { value: 5, qualifier: '>', replicates: 1, spread: 0, boundsOnly: true },
    ],
    [
      'upper bounds',
      [value(3, '<'), value(5, '<')],
      { value: 3, qualifier: '<', replicates: 1, spread: 0, boundsOnly: true },
    ],
    [
      'both sides',
      [value(2, '>'), value(6, '<'), value(8, '<')],
      { value: 4, qualifier: '=', replicates: 1, boundsOnly: true },
    ],
    [
      'crossed bounds',
      [value(6, '>'), value(2, '<')],
      { value: 4, qualifier: '=', replicates: 1, boundsOnly: true },
    ],
    ['values near the largest double', [value(1.7e308), value(1.7e308)], { value: 1.7e308, spread: 0 }],
    ['the whole range of doubles', [value(1.7e308), value(-1.7e308)], { value: 0 }],
  ])('%s', (_name, values, expected) => {
    expect(aggregateValues(values)).toMatchObject(expected);
  });

  test('does not depend on the order, and lies between the extremes', () => {
    const values = fc.array(
      fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom('=', '<', '>')),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(
        values.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          const row = aggregateValues(all.map(([v, q]) => value(v, q)));
          expect(aggregateValues(shuffled.map(([v, q]) => value(v, q)))).toEqual(row);
          expect(Number.isFinite(row.value) && Number.isFinite(row.spread) && row.spread >= 0).toBe(true);
          const numbers = all.map(([v]) => v);
          expect(row.value).toBeGreaterThanOrEqual(Math.min(...numbers));
          expect(row.value).toBeLessThanOrEqual(Math.max(...numbers));
        },
      ),
    );
  });

  test('the smallest of several spellings of the molecule is kept, and -0 is 0', () => {
    expect(aggregateValues([{ ...value(1), smiles: 'OC' }, value(1)]).smiles).toBe('CO');
    expect(Object.is(aggregateValues([value(-0)]).value, 0)).toBe(true);
  });

  test('the spread is that of a sample', () => {
    expect(meanAndSpread([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, spread: Math.sqrt(32 / 7) });
  });
});
