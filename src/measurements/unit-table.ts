/** How a unit measures its quantity. */
export type UnitScale =
  /** value × numerator / denominator (+ offset) is the value in the quantity's base unit. */
  | {
      readonly kind: 'linear';
      readonly numerator: number;
      readonly denominator: number;
      readonly offset?: number;
    }
  /** value = sign × log10(value in the base unit). */
  | { readonly kind: 'log10'; readonly sign: 1 | -1; readonly of: readonly string[] };

export interface Unit {
  /** As written in conversions: `nM`. */
  readonly symbol: string;
  /** What it measures, in words; units of one quantity convert into each other. */
  readonly quantity: string;
  readonly scale: UnitScale;
}

const MOLAR = 'molar concentration';
/** What a negative logarithm may be of. An IC50 is no Ki, so pIC50 and pKi do not convert into each other. */
const POTENCIES = ['IC50', 'EC50', 'AC50'];
const ANYTHING = [...POTENCIES, 'Ki', 'Kd', 'solubility'];

const linear = (numerator: number, denominator = 1): UnitScale => ({
  kind: 'linear',
  numerator,
  denominator,
});
const log10 = (sign: 1 | -1, ...of: string[]): UnitScale => ({ kind: 'log10', sign, of });

/**
 * Symbol, other spellings (separated by |), quantity, scale. All factors are exact by definition: SI prefixes; minute and hour (SI
 * brochure, table 8); thermochemical calorie = 4.184 J; 0 °C = 273.15 K. Base units: mol/L, g/L, 1, s, J/mol, K.
 */
const ROWS: readonly (readonly [symbol: string, others: string, quantity: string, scale: UnitScale])[] = [
  ['M', 'mol/L|mol L-1|molar', MOLAR, linear(1)],
  ['mM', 'mmol/L|mmol L-1|millimolar|mol/m3', MOLAR, linear(1, 1e3)],
  ['uM', 'umol/L|umol L-1|micromolar', MOLAR, linear(1, 1e6)],
  ['nM', 'nmol/L|nmol L-1|nanomolar', MOLAR, linear(1, 1e9)],
  ['pM', 'pmol/L|pmol L-1|picomolar', MOLAR, linear(1, 1e12)],
  ['fM', 'fmol/L|fmol L-1|femtomolar', MOLAR, linear(1, 1e15)],
  ['pIC50', '-log IC50', MOLAR, log10(-1, 'IC50')],
  ['pEC50', '-log EC50', MOLAR, log10(-1, 'EC50')],
  ['pAC50', '-log AC50', MOLAR, log10(-1, 'AC50')],
  ['pKi', '-log Ki', MOLAR, log10(-1, 'Ki')],
  ['pKd', '-log Kd', MOLAR, log10(-1, 'Kd')],
  ['pXC50', '', MOLAR, log10(-1, ...POTENCIES)],
  ['pChEMBL', 'pchembl value|pchembl_value', MOLAR, log10(-1, ...ANYTHING)],
  [
    'log M',
    'logM|log10 M|log(M)|log10(M)|log mol/L|log10 mol/L|log(mol/L)|log10(mol/L)|log mol per litre',
    MOLAR,
    log10(1, ...ANYTHING),
  ],
  ['logS', 'log S', MOLAR, log10(1, 'solubility')],
  ['g/L', 'mg/mL|ug/uL|kg/m3', 'mass concentration', linear(1)],
  ['mg/L', 'ug/mL|ng/uL|g/m3', 'mass concentration', linear(1, 1e3)],
  ['ug/L', 'ng/mL|pg/uL', 'mass concentration', linear(1, 1e6)],
  ['ng/L', 'pg/mL', 'mass concentration', linear(1, 1e9)],
  ['g/mL', 'kg/L', 'mass concentration', linear(1e3)],
  ['g/dL', '', 'mass concentration', linear(10)],
  ['mg/dL', '', 'mass concentration', linear(1, 100)],
  ['fraction', 'ratio', 'fraction', linear(1)],
  ['%', 'percent|per cent|pct', 'fraction', linear(1, 100)],
  ['s', 'sec|second|seconds', 'time', linear(1)],
  ['ms', 'msec|millisecond|milliseconds', 'time', linear(1, 1e3)],
  ['min', 'minute|minutes|mins', 'time', linear(60)],
  ['h', 'hr|hrs|hour|hours', 'time', linear(3600)],
  ['d', 'day|days', 'time', linear(86400)],
  ['J/mol', 'J mol-1', 'molar energy', linear(1)],
  ['kJ/mol', 'kJ mol-1', 'molar energy', linear(1000)],
  ['cal/mol', 'cal mol-1', 'molar energy', linear(523, 125)],
  ['kcal/mol', 'kcal mol-1', 'molar energy', linear(4184)],
  ['K', 'kelvin', 'temperature', linear(1)],
  [
    '°C',
    'C|degC|deg C|degree C|degrees C|celsius',
    'temperature',
    { ...linear(1), offset: 273.15 } as UnitScale,
  ],
];

/** Spellings that look like a unit of the table and mean another one, in wrong case as a rule. */
const OTHER_MEANINGS: ReadonlyMap<string, string> = new Map([
  ['mm', "'mm' is millimetre; millimolar is written mM"],
  ['um', "'um' is micrometre; micromolar is written uM"],
  ['nm', "'nm' is nanometre; nanomolar is written nM"],
  ['pm', "'pm' is picometre; picomolar is written pM"],
  ['fm', "'fm' is femtometre; femtomolar is written fM"],
  ['m', "'m' is metre; molar is written M"],
]);

/** Up to this length a spelling in other case is another unit (mM, MM; s, S); above it none is. */
const CASE_MATTERS_UP_TO = 2;

/** One spelling for what is typed in many: both mu characters, dots and superscripts of products, runs of spaces. */
export function plainSpelling(text: string): string {
  return text
    .trim()
    .replace(/[\u00b5\u03bc]/g, 'u')
    .replace(/⁻¹|\^-1|\*\*-1/g, '-1')
    .replace(/³|\^3/g, '3')
    .replace(/[₀-₉]/g, (digit) => String(digit.charCodeAt(0) - 0x2080))
    .replace(/^º|^˚/, '°')
    .replace(/−/g, '-')
    .replace(/ ?[·⋅*] ?/g, ' ')
    .replace(/ ?\/ ?/g, '/')
    .replace(/\s+/g, ' ');
}

const exact = new Map<string, Unit>();
const anyCase = new Map<string, Unit>();
for (const [symbol, others, quantity, scale] of ROWS) {
  const unit: Unit = { symbol, quantity, scale };
  for (const spelling of [symbol, ...others.split('|').filter(Boolean)]) {
    exact.set(spelling, unit);
    if (spelling.length > CASE_MATTERS_UP_TO) anyCase.set(spelling.toLowerCase(), unit);
  }
}

/** Every spelling that is understood, symbols first come first. */
export const UNIT_SPELLINGS: readonly string[] = [...exact.keys()];

/** The unit a text means; undefined where it means none that is known. */
export function findUnit(text: string): Unit | undefined {
  const spelling = plainSpelling(text);
  return exact.get(spelling) ?? anyCase.get(spelling.toLowerCase());
}

/** What a text means that is a unit of another quantity than it looks like; undefined where there is no such thing. */
export function otherMeaning(text: string): string | undefined {
  const spelling = plainSpelling(text);
  const meaning = OTHER_MEANINGS.get(spelling.toLowerCase());
  if (!meaning || exact.has(spelling)) return undefined;
  const right = /written (\S+)$/.exec(meaning)![1]!;
  return OTHER_MEANINGS.has(spelling) ? meaning : `case matters in '${spelling}'; did you mean ${right}?`;
}
