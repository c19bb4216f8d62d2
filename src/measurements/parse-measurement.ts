import type { Qualifier, QuarantineRow } from '../contracts';

export type Measurement =
  | { readonly ok: true; readonly value?: number; readonly qualifier?: Qualifier }
  | { readonly ok: false; readonly reason: QuarantineRow['reason']; readonly message: string };

/** A bound that includes its value is as good as one that does not: assay values are continuous. */
const QUALIFIERS: ReadonlyMap<string, Qualifier> = new Map([
  ['=', '='],
  ['<', '<'],
  ['<=', '<'],
  ['≤', '<'],
  ['>', '>'],
  ['>=', '>'],
  ['≥', '>'],
]);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?(?:inf|infinity|∞)$/i;
const LEADING_SYMBOLS = /^([^\w\s.+∞-]+)\s*(.*)$/u;

const refuse = (reason: QuarantineRow['reason'], message: string): Measurement => ({
  ok: false,
  reason,
  message,
});
const shown = (text: string) => `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`;

/**
 * Reads a value cell strictly: a decimal number with a point, maybe a qualifier before it (`<5`, `>= 1e3`).
 * An empty cell is no value. A qualifier may also stand in a cell of its own; the two must then agree.
 * -0 is read as 0. A number too small for a double is refused, since it would be read as 0.
 * @param valueCell undefined where the row has no such cell
 */
export function parseMeasurement(
  valueCell: string | undefined,
  qualifierCell: string | undefined,
): Measurement {
  const own = (qualifierCell ?? '').trim();
  const fromColumn = QUALIFIERS.get(own);
  if (own !== '' && !fromColumn)
    return refuse('qualifier-unknown', `${shown(own)} is not a qualifier; expected =, < or >`);

  let text = (valueCell ?? '').trim();
  if (text === '') {
    if (fromColumn && fromColumn !== '=')
      return refuse('value-not-a-number', `there is a qualifier '${own}' and no value`);
    return { ok: true };
  }
  let qualifier = fromColumn;
  const prefixed = LEADING_SYMBOLS.exec(text);
  if (prefixed) {
    const fromCell = QUALIFIERS.get(prefixed[1]!);
    if (!fromCell) {
      const numeric = NUMBER.test(prefixed[2]!);
      return numeric
        ? refuse(
            'qualifier-unknown',
            `'${prefixed[1]}' in ${shown(text)} is not a qualifier; expected =, < or >`,
          )
        : refuse('value-not-a-number', `${shown(text)} is not a number`);
    }
    if (qualifier && qualifier !== fromCell) {
      return refuse(
        'qualifier-unknown',
        `the value ${shown(text)} and the qualifier column '${own}' disagree`,
      );
    }
    qualifier = fromCell;
    text = prefixed[2]!;
  }
  if (INFINITE.test(text)) return refuse('value-infinite', `${shown(text)} is infinite`);
  if (!NUMBER.test(text)) {
    const hint = /^[+-]?\d[\d.]*,[\d.,]*\d$/.test(text)
      ? "; if the comma is the decimal sign, say so (decimal ','); if it parts thousands, take it out"
      : '';
    return refuse('value-not-a-number', `${shown(text)} is not a number${hint}`);
  }
  const value = Number(text);
  if (!Number.isFinite(value))
    return refuse('value-infinite', `${shown(text)} is larger than a double can hold`);
  if (value === 0 && /[1-9]/.test(text.split(/[eE]/)[0]!)) {
    return refuse('value-not-a-number', `${shown(text)} is smaller than a double can hold`);
  }
  return { ok: true, value: value === 0 ? 0 : value, qualifier: qualifier ?? '=' };
}
