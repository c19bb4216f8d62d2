/** A way in which values arrive in another unit, and what makes them right again. */
export interface UnitError {
  /** `times 1000`, as what happened to the values. */
  readonly name: string;
  readonly undo: (value: number) => number;
  /** What was added to every value, where that is all. */
  readonly shift?: number;
}

const LN10 = Math.LN10;
const times = (factor: number, text = String(factor)): UnitError => ({
  name: `times ${text}`,
  undo: (value) => value / factor,
});
const plus = (shift: number, why: string): UnitError => ({
  name: `${shift > 0 ? 'plus' : 'minus'} ${Math.abs(shift)} (${why})`,
  undo: (value) => value - shift,
  shift,
});
const positive = (value: number, apply: (x: number) => number) => (value > 0 ? apply(value) : NaN);

/**
 * What goes wrong with units in practice: a metric prefix, also of a logarithm; natural and decimal logarithms; a concentration for its
 * negative logarithm and the other way round; a sign; percent for a share; kcal for kJ; degrees Celsius for kelvin.
 */
export const UNIT_ERRORS: readonly UnitError[] = [
  times(1e3),
  times(1e-3),
  times(1e6),
  times(1e-6),
  times(1e9),
  times(1e-9),
  times(100),
  times(0.01),
  times(LN10, 'ln 10 (natural for decimal logarithms)'),
  times(1 / LN10, '1 / ln 10 (decimal for natural logarithms)'),
  times(4.184, '4.184 (kJ for kcal)'),
  times(1 / 4.184, '1 / 4.184 (kcal for kJ)'),
  times(-1, '-1 (the sign turned round)'),
  ...[3, -3, 6, -6, 9, -9].map((shift) => plus(shift, 'another metric prefix of a logarithm')),
  plus(273.15, 'kelvin for degrees Celsius'),
  plus(-273.15, 'degrees Celsius for kelvin'),
  ...[0, 3, 6, 9].flatMap((prefix): UnitError[] => {
    const unit = { 0: 'M', 3: 'mM', 6: 'µM', 9: 'nM' }[prefix]!;
    return [
      {
        name: `concentrations in ${unit} for negative logarithms of M`,
        undo: (value) => positive(value, (x) => prefix - Math.log10(x)),
      },
      {
        name: `negative logarithms of M for concentrations in ${unit}`,
        undo: (value) => 10 ** (prefix - value),
      },
    ];
  }),
  { name: 'logarithms for the values themselves', undo: (value) => 10 ** value },
  { name: 'the values themselves for logarithms', undo: (value) => positive(value, Math.log10) },
];
