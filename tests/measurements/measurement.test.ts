import fc from 'fast-check';
import { parseMeasurement } from '../../src/measurements';

describe('measurement cells', () => {
  test.each([
    ['1.5', '', { value: 1.5, qualifier: '=' }],
    [' -.5e-3 ', undefined, { value: -0.0005, qualifier: '=' }],
    ['5.', undefined, { value: 5, qualifier: '=' }],
    ['<5', undefined, { value: 5, qualifier: '<' }],
    ['> 1e3', '', { value: 1000, qualifier: '>' }],
    ['≤-5', undefined, { value: -5, qualifier: '<' }],
    ['>=5', '>', { value: 5, qualifier: '>' }],
    ['=5', '=', { value: 5, qualifier: '=' }],
    ['5', '<', { value: 5, qualifier: '<' }],
    ['', '', {}],
    ['  ', '=', {}],
    [undefined, undefined, {}],
  ])('%j with qualifier %j', (value, qualifier, expected) => {
    expect(parseMeasurement(value, qualifier)).toEqual({ ok: true, ...expected });
  });

  test.each([
    ['abc', '', 'value-not-a-number'],
    ['NaN', '', 'value-not-a-number'],
    ['1,5', '', 'value-not-a-number'],
    ['1.5 nM', '', 'value-not-a-number'],
    ['0x10', '', 'value-not-a-number'],
    ['1e', '', 'value-not-a-number'],
    ['<', '', 'value-not-a-number'],
    ['1e-999', '', 'value-not-a-number'],
    ['', '<', 'value-not-a-number'],
    ['inf', '', 'value-infinite'],
    ['-Infinity', '', 'value-infinite'],
    ['<∞', '', 'value-infinite'],
    ['1e999', '', 'value-infinite'],
    ['~5', '', 'qualifier-unknown'],
    ['5', '~', 'qualifier-unknown'],
    ['5', 'constructor', 'qualifier-unknown'],
    ['<5', '>', 'qualifier-unknown'],
    ['<5', '=', 'qualifier-unknown'],
  ])('%j with qualifier %j is refused: %s', (value, qualifier, reason) => {
    expect(parseMeasurement(value, qualifier)).toMatchObject({ ok: false, reason });
  });

  test('every finite double reads back as itself', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom('=', '<', '>'),
        (value, qualifier) => {
          expect(parseMeasurement(`${qualifier}${value}`, undefined)).toEqual({
            ok: true,
            value: value === 0 ? 0 : value,
            qualifier,
          });
        },
      ),
    );
  });

  test('any text at all gets an answer, and an accepted value is finite', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ maxLength: 3 }), (value, qualifier) => {
        const read = parseMeasurement(value, qualifier);
        if (read.ok && read.value !== undefined) expect(Number.isFinite(read.value)).toBe(true);
      }),
    );
  });
});
