import { assertUnits, readDate, readMeasurement } from '../../src/measurements';

describe('the measurement of a row', () => {
  test('is converted, with what was reported and the rule beside it', () => {
    const reading = readMeasurement(
      { value: '<10', unit: 'nM', replicate: '2', measuredAt: '2026-11-24', assay: 'FP', batch: 'L-7' },
      { convertTo: 'pIC50', unit: 'uM', assay: 'other' },
    );
    expect(reading).toEqual({
      ok: true,
      fields: {
        ...{ value: 8, unit: 'pIC50', qualifier: '>', reportedValue: 10, reportedUnit: 'nM' },
        conversion: 'nM -> pIC50: 9 - log10(x)',
        ...{ replicate: 2, assay: 'FP', batch: 'L-7', measuredAt: '2026-11-24' },
      },
    });
  });

  test("takes the source's unit and assay where its own are empty", () => {
    expect(readMeasurement({ value: '1', unit: ' ', assay: '' }, { unit: 'uM', assay: 'FP' })).toEqual({
      ok: true,
      fields: { value: 1, unit: 'uM', qualifier: '=', assay: 'FP' },
    });
  });

  test('keeps no second record where nothing changed', () => {
    expect(readMeasurement({ value: '1', unit: 'µM' }, { convertTo: 'uM' })).toEqual({
      ok: true,
      fields: { value: 1, unit: 'uM', qualifier: '=' },
    });
    expect(readMeasurement({ value: '1' }, {})).toEqual({ ok: true, fields: { value: 1, qualifier: '=' } });
  });

  test('may be none at all', () => {
    expect(
      readMeasurement({ value: '', unit: 'nonsense', batch: 'L-7' }, { convertTo: 'uM', assay: 'FP' }),
    ).toEqual({ ok: true, fields: { batch: 'L-7' } });
  });

  test.each([
    [{ value: 'abc' }, {}, 'value-not-a-number'],
    [{ value: '=SUM(A1:A3)' }, {}, 'formula-cell'],
    [{ value: '+A1*2' }, {}, 'formula-cell'],
    [{ value: '-nan' }, {}, 'value-not-a-number'],
    [{ value: '1', batch: '=A2' }, {}, 'formula-cell'],
    [{ value: '1', qualifier: '~' }, {}, 'qualifier-unknown'],
    [{ value: '1' }, { convertTo: 'uM' }, 'unit-unknown'],
    [{ value: '1', unit: 'nm' }, { convertTo: 'uM' }, 'unit-unknown'],
    [{ value: '1', unit: 'u'.repeat(60) }, {}, 'unit-unknown'],
    [{ value: '0', unit: 'nM' }, { convertTo: 'pKi' }, 'value-out-of-range'],
    [{ value: '1', replicate: '0' }, {}, 'replicate-invalid'],
    [{ value: '1', replicate: '1.5' }, {}, 'replicate-invalid'],
    [{ value: '1', replicate: '99999999999' }, {}, 'replicate-invalid'],
    [{ value: '1', measuredAt: '24/11/2026' }, {}, 'date-invalid'],
    [{ measuredAt: '2026-02-29' }, {}, 'date-invalid'],
    [{ value: '1', assay: 'x'.repeat(201) }, {}, 'record-malformed'],
  ])('%j of %j is quarantined: %s', (cells, source, reason) => {
    expect(readMeasurement(cells, source)).toMatchObject({ ok: false, reason });
  });

  test.each(['1', '01', '1.0', '+1', '1.'])('%s is the first replicate', (replicate) => {
    expect(readMeasurement({ value: '1', replicate }, {})).toMatchObject({ fields: { replicate: 1 } });
  });

  test('units that never convert are told before a row is read', () => {
    expect(() => assertUnits({ uri: 'a.csv', unit: 'nM', convertTo: 'uM' })).not.toThrow();
    expect(() => assertUnits({ uri: 'a.csv', unitColumn: 'u', convertTo: 'pKi' })).not.toThrow();
    expect(() => assertUnits({ uri: 'a.csv', unit: 'RFU', convertTo: 'RFU' })).not.toThrow();
    expect(() => assertUnits({ uri: 'a.csv', unit: 'nm', convertTo: 'uM' })).toThrow(
      /a\.csv: 'nm' is nanometre/,
    );
    expect(() => assertUnits({ uri: 'a.csv', convertTo: 'uM' })).toThrow(/unit they come in is not given/);
  });
});

describe('dates', () => {
  test.each([
    ['2026-11-24', '2026-11-24'],
    ['2026/11/24', '2026-11-24'],
    ['2026/1/5', '2026-01-05'],
    ['2024-02-29', '2024-02-29'],
    ['2026-11-24T08:30:00Z', '2026-11-24T08:30:00Z'],
    ['2026-11-24T08:30Z', '2026-11-24T08:30:00Z'],
    ['2026-11-24T00:30:00+01:00', '2026-11-23T23:30:00Z'],
    ['2026-12-31 20:00:00.1250 -0530', '2027-01-01T01:30:00.125Z'],
    ['20261124T083000Z', undefined],
    ['2026-11-24T08:30:00', undefined],
    ['2026-11-24T24:00:00Z', undefined],
    ['2026-11-24T08:30:00+25:00', undefined],
    ['2026-1-5', undefined],
    ['2026-02-29', undefined],
    ['2026-13-01', undefined],
    ['2026-00-10', undefined],
    ['2026/11-24', undefined],
    ['24/11/2026', undefined],
    ['46350', undefined],
    ['yesterday', undefined],
  ])('%s', (cell, date) => {
    const reading = readDate(cell);
    expect(reading.ok ? reading.date : undefined).toBe(date);
  });

  test('what is refused says how to write it', () => {
    const told = (cell: string) => (readDate(cell) as { message: string }).message;
    expect(told('05.04.2026')).toMatch(/day or the month first; write it as year-month-day/);
    expect(told('2026-11-24T08:30:00')).toMatch(/offset from UTC; add one/);
    expect(told('2026-02-30')).toMatch(/does not exist/);
    expect(told('46350')).toMatch(/spreadsheet/);
  });
});

test('a decimal comma is read where it is said to be one, and nothing is guessed', () => {
  const read = (value: string, decimal?: '.' | ',') => readMeasurement({ value }, { unit: 'nM', decimal });
  expect(read('12,5', ',')).toMatchObject({ ok: true, fields: { value: 12.5 } });
  expect(read('<1,5e3', ',')).toMatchObject({ ok: true, fields: { value: 1500, qualifier: '<' } });
  expect(read('7', ',')).toMatchObject({ ok: true, fields: { value: 7 } });
  for (const [value, decimal] of [
    ['12.5', ','],
    ['1.234,5', ','],
    ['1,234,5', ','],
    ['12,5', '.'],
    ['12,5', undefined],
  ] as const)
    // prettier-ignore
    expect(read(value, decimal)).toMatchObject({ ok: false, reason: 'value-not-a-number' });
  expect(read('1,000')).toMatchObject({
    message: expect.stringMatching(/decimal sign.*parts thousands/) as string,
  });
});
