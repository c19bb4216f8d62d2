import fc from 'fast-check';
import { conversionProblem, convert, sameUnit } from '../../src/measurements';
import { UNIT_SPELLINGS } from '../../src/measurements/unit-table';

const exact = (value: number) => ({ value, qualifier: '=' as const });

describe('converting units', () => {
  test.each([
    [10, 'nM', 'pIC50', 8, 'nM -> pIC50: 9 - log10(x)'],
    [1, 'uM', 'pKi', 6, 'uM -> pKi: 6 - log10(x)'],
    [1, 'M', 'pKd', 0, 'M -> pKd: -log10(x)'],
    [5, 'nM', 'µM', 0.005, 'nM -> uM: x / 1000'],
    [0.3, '\u03bcM', 'nM', 300, 'uM -> nM: x * 1000'],
    [7, 'fM', 'pM', 0.007, 'fM -> pM: x / 1000'],
    [8, 'pIC50', 'nM', 10, 'pIC50 -> nM: 10^(9 - x)'],
    [5, 'pEC50', 'M', 1e-5, 'pEC50 -> M: 10^(-x)'],
    [-3, 'logS', 'mM', 1, 'logS -> mM: 10^(x + 3)'],
    [-3, 'log10(mol/L)', 'M', 0.001, 'log M -> M: 10^(x)'],
    [100, 'uM', 'log M', -4, 'uM -> log M: log10(x) - 6'],
    [-6.5, 'log M', 'pIC50', 6.5, 'log M -> pIC50: -x'],
    [6.5, 'pXC50', 'pIC50', 6.5, 'pXC50 -> pIC50: x'],
    [3, 'ug/mL', 'mg/mL', 0.003, 'mg/L -> g/L: x / 1000'],
    [12, '%', 'fraction', 0.12, '% -> fraction: x / 100'],
    [90, 'min', 'h', 1.5, 'min -> h: x / 60'],
    [-10, 'kcal/mol', 'kJ/mol', -41.84, 'kcal/mol -> kJ/mol: x * 4184 / 1000'],
    [25, '°C', 'K', 298.15, '°C -> K: x + 273.15'],
    [0, 'nM', 'uM', 0, 'nM -> uM: x / 1000'],
  ])('%d %s in %s', (value, from, to, expected, conversion) => {
    const converted = convert(exact(value), from, to);
    expect(converted).toMatchObject({ ok: true, qualifier: '=', conversion });
    expect(converted.ok && converted.value).toBeCloseTo(expected, 12);
  });

  test('decimal factors round once: the double that a person would have typed', () => {
    for (const [value, from, to, expected] of [
      [5, 'nM', 'uM', 0.005],
      [123.4, 'nM', 'M', 123.4e-9],
      [0.1, 'mg/mL', 'ug/mL', 100],
      [10, 'pIC50', 'M', 1e-10],
      [17, 'pKd', 'M', 1e-17],
    ] as const)
      expect(convert(exact(value), from, to)).toMatchObject({ value: expected });
  });

  test('a bound turns round where larger means smaller', () => {
    expect(convert({ value: 10, qualifier: '<' }, 'nM', 'pIC50')).toMatchObject({ value: 8, qualifier: '>' });
    expect(convert({ value: 5, qualifier: '<' }, 'pKi', 'uM')).toMatchObject({ value: 10, qualifier: '>' });
    expect(convert({ value: 5, qualifier: '<' }, 'pIC50', 'log M')).toMatchObject({ qualifier: '>' });
    expect(convert({ value: 5, qualifier: '<' }, 'nM', 'log M')).toMatchObject({ qualifier: '<' });
    expect(convert({ value: 5, qualifier: '>' }, 'nM', 'uM')).toMatchObject({ qualifier: '>' });
  });

  test('one unit in two spellings is one unit; an unknown one is itself', () => {
    for (const [from, to] of [
      ['µM', 'uM'],
      ['\u03bcM', 'umol/L'],
      ['PIC50', 'pIC50'],
      ['RFU', 'RFU'],
      ['x y', ' x  y'],
    ])
      // prettier-ignore
      expect([convert({ value: 3, qualifier: '<' }, from!, to!), sameUnit(from!, to!)]).toEqual([
        { ok: true, value: 3, qualifier: '<', conversion: null },
        true,
      ]);
    expect(sameUnit('RFU', 'rfu')).toBe(false);
    expect(sameUnit('constructor', 'toString')).toBe(false);
  });

  test.each([
    ['nm', 'nM', "'nm' is nanometre; nanomolar is written nM"],
    ['NM', 'uM', "case matters in 'NM'; did you mean nM?"],
    ['MM', 'uM', "case matters in 'MM'; did you mean mM?"],
    ['µm', 'uM', "'um' is micrometre; micromolar is written uM"],
    ['nMol', 'uM', "unknown unit 'nMol'; did you mean 'nM'?"],
    ['uM', 'pIC5', "unknown unit 'pIC5'; did you mean 'pIC50'?"],
    ['furlong per fortnight', 'uM', "unknown unit 'furlong per fortnight'"],
    ['nM', 'ug/mL', 'nM is a unit of molar concentration and mg/L of mass concentration'],
    ['pIC50', 'pKi', 'pIC50 and pKi are logarithms of different things'],
    ['pKd', 'logS', 'pKd and logS are logarithms of different things'],
    ['__proto__', 'uM', 'unknown unit'],
  ])('%s to %s is refused', (from, to, message) => {
    expect(convert(exact(1), from, to)).toEqual({
      ok: false,
      reason: 'unit-unknown',
      message: expect.stringContaining(message) as string,
    });
    expect(conversionProblem(from, to)).toContain(message);
  });

  test.each([
    [0, 'nM', 'pIC50', 'has no logarithm'],
    [-5, 'nM', 'log M', 'has no logarithm'],
    [400, 'pIC50', 'nM', 'smaller'],
    [-400, 'pIC50', 'nM', 'larger'],
    [1e-300, 'fM', 'M', 'smaller'],
    [1e300, 'M', 'fM', 'larger'],
    [-1, 'K', '°C', 'absolute zero'],
    [-274, 'celsius', 'K', 'absolute zero'],
  ])('%d %s in %s is out of range', (value, from, to, why) => {
    expect(convert(exact(value), from, to)).toEqual({
      ok: false,
      reason: 'value-out-of-range',
      message: expect.stringContaining(why) as string,
    });
  });

  const qualifier = fc.constantFrom('=' as const, '<' as const, '>' as const);
  const unit = fc.constantFrom(...UNIT_SPELLINGS);
  const number = fc
    .tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.boolean())
    .map(([x, logarithmic]) => (logarithmic ? 10 ** x : x));
  const near = (found: number, value: number, scale: number) =>
    expect(Math.abs(found - value)).toBeLessThanOrEqual(1e-12 * Math.max(Math.abs(value), scale));
  /** Logarithms and temperatures are shifted, so that what counts is the absolute error. */
  const scaleOf = (from: string, to: string) =>
    /log|^p[A-Z]|[CK]$|deg|cels|kelv/i.test(from) || /[CK]$|deg|cels|kelv/i.test(to) ? 300 : 0;

  test('there and back is the same value and the same bound', () => {
    let done = 0;
    fc.assert(
      fc.property(number, qualifier, unit, unit, (value, bound, from, to) => {
        const there = convert({ value, qualifier: bound }, from, to);
        fc.pre(there.ok);
        if (!there.ok) return;
        const back = convert(there, to, from);
        expect(back).toMatchObject({ ok: true, qualifier: bound });
        if (back.ok) near(back.value, value, scaleOf(from, to));
        done++;
      }),
      { numRuns: 2000, maxSkipsPerRun: 1000 },
    );
    expect(done).toBeGreaterThan(1000);
  });

  test('by way of a third unit is the same as straight', () => {
    fc.assert(
      fc.property(number, qualifier, unit, unit, unit, (value, bound, a, b, c) => {
        const [first, straight] = [convert({ value, qualifier: bound }, a, b), convert({ value, qualifier: bound }, a, c)]; // prettier-ignore
        fc.pre(first.ok && straight.ok);
        if (!first.ok || !straight.ok) return;
        const second = convert(first, b, c);
        fc.pre(second.ok);
        if (!second.ok) return;
        expect(second.qualifier).toBe(straight.qualifier);
        near(second.value, straight.value, scaleOf(c, b) || scaleOf(a, c));
      }),
      { numRuns: 500, maxSkipsPerRun: 10000 },
    );
  });
});
