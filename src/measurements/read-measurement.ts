import { TitrateError, type DatasetRow, type QuarantineRow, type SourceSpec } from '../contracts';
import { readDate } from './dates';
import { parseMeasurement } from './parse-measurement';
import { conversionProblem, convert } from './units';

/** The cells of a row that say what was measured, as text; undefined where the row has none. */
export interface MeasurementCells {
  readonly value?: string;
  readonly qualifier?: string;
  readonly unit?: string;
  readonly replicate?: string;
  readonly measuredAt?: string;
  readonly assay?: string;
  readonly batch?: string;
}

/** The part of a dataset row that comes from its measurement cells. */
export type MeasurementFields = Pick<
  DatasetRow,
  | 'value'
  | 'unit'
  | 'qualifier'
  | 'reportedValue'
  | 'reportedUnit'
  | 'conversion'
  | 'replicate'
  | 'assay'
  | 'batch'
  | 'measuredAt'
>;

export type MeasurementReading =
  | { readonly ok: true; readonly fields: MeasurementFields }
  | { readonly ok: false; readonly reason: QuarantineRow['reason']; readonly message: string };

type Source = Pick<SourceSpec, 'decimal' | 'unit' | 'convertTo' | 'assay'>;

/** Longest name of an assay, a batch or a unit, characters: as in sourceSchema. */
const LONGEST_NAME = 200;
const LONGEST_UNIT = 50;
/** Parquet and both warehouses keep replicates in 32 bits. */
const LARGEST_REPLICATE = 2 ** 31 - 1;
/** What a spreadsheet shows as a result and a file sometimes holds as text: `=A1*2`, `+SUM(A1)`, `@ABS(A1)`. */
const FORMULA = /^(?:=.*[\p{L}(*/+&"!]|[+@-]\s*(?:\p{L}*\(|\p{L}{1,3}\d))/u;

const refuse = (reason: QuarantineRow['reason'], message: string): MeasurementReading & { ok: false } => ({
  ok: false,
  reason,
  message,
});
const shown = (text: string) => `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`;
const filled = (cell: string | undefined) => cell?.trim() || undefined;
const formula = (text: string, what: string) =>
  refuse('formula-cell', `the ${what} ${shown(text)} is a formula; export its result instead`);

/** Value, bound and unit, converted where the source asks for it. */
function readValue(cells: MeasurementCells, source: Source): MeasurementReading {
  let { value: written } = cells;
  if (source.decimal === ',' && written !== undefined) {
    if (written.includes('.'))
      return refuse('value-not-a-number', `'${written}' has a point, and the decimal sign is the comma`);
    written = written.replace(',', '.');
  }
  const parsed = parseMeasurement(written, cells.qualifier);
  if (!parsed.ok) {
    const cell = filled(cells.value) ?? '';
    return parsed.reason !== 'value-infinite' && FORMULA.test(cell) ? formula(cell, 'value') : parsed;
  }
  const { value, qualifier } = parsed;
  if (value === undefined || qualifier === undefined) return { ok: true, fields: {} };
  const unit = filled(cells.unit) ?? filled(source.unit);
  if (unit !== undefined && unit.length > LONGEST_UNIT)
    return refuse('unit-unknown', `the unit ${shown(unit)} is longer than ${LONGEST_UNIT} characters`);
  if (source.convertTo === undefined) return { ok: true, fields: { value, unit, qualifier } };
  if (unit === undefined) {
    return refuse(
      'unit-unknown',
      `the value ${value} has no unit, so it cannot be converted to ${source.convertTo}; set 'unit' or 'unitColumn' of the source`,
    );
  }
  const converted = convert({ value, qualifier }, unit, source.convertTo);
  if (!converted.ok) return converted;
  const fields = { value: converted.value, unit: source.convertTo, qualifier: converted.qualifier };
  if (converted.conversion === null) return { ok: true, fields };
  const { conversion } = converted;
  return { ok: true, fields: { ...fields, reportedValue: value, reportedUnit: unit, conversion } };
}

/**
 * Reads everything of a row but its molecule.
 *
 * The unit is the row's own, else the source's. With `convertTo` the value is kept in that unit, and value and unit as reported
 * stand beside it with the rule, unless the two units are the same one. A row without a value may have any of the other cells; the
 * source's assay is given to rows with a value only. A cell that cannot be read condemns the row: its reason says which.
 * @param source unit: of values without one of their own; convertTo: unit to keep; assay: of values without one of their own
 */
export function readMeasurement(cells: MeasurementCells, source: Source): MeasurementReading {
  for (const [what, cell] of [
    ['unit', cells.unit],
    ['replicate', cells.replicate],
    ['date', cells.measuredAt],
    ['assay', cells.assay],
    ['batch', cells.batch],
  ] as const) {
    const text = filled(cell);
    if (text?.startsWith('=')) return formula(text, what);
    if (text !== undefined && text.length > LONGEST_NAME)
      return refuse(
        'record-malformed',
        `the ${what} ${shown(text)} is longer than ${LONGEST_NAME} characters`,
      );
  }
  const measured = readValue(cells, source);
  if (!measured.ok) return measured;

  const replicateCell = filled(cells.replicate);
  let replicate: number | undefined;
  if (replicateCell !== undefined) {
    // `2.0`: how data frames write whole numbers of a column with gaps.
    replicate = /^\+?\d+(?:\.0*)?$/.test(replicateCell) ? Number(replicateCell) : NaN;
    if (!(replicate >= 1 && replicate <= LARGEST_REPLICATE))
      return refuse(
        'replicate-invalid',
        `the replicate ${shown(replicateCell)} is no whole number from 1 up`,
      );
  }
  const dateCell = filled(cells.measuredAt);
  const date = dateCell === undefined ? undefined : readDate(dateCell);
  if (date && !date.ok) return refuse('date-invalid', date.message);

  const hasValue = measured.fields.value !== undefined;
  const all: MeasurementFields = {
    ...measured.fields,
    replicate,
    assay: filled(cells.assay) ?? (hasValue ? filled(source.assay) : undefined),
    batch: filled(cells.batch),
    measuredAt: date?.date,
  };
  const fields = Object.fromEntries(Object.entries(all).filter(([, field]) => field !== undefined));
  return { ok: true, fields: fields as MeasurementFields };
}

/**
 * Checks what can be known of a source's units before a row is read.
 * @throws TitrateError unit-unknown when `convertTo` is no unit that anything converts to, or `unit` does not convert to it.
 */
export function assertUnits(source: Pick<SourceSpec, 'uri' | 'unit' | 'convertTo' | 'unitColumn'>): void {
  const { unit, convertTo, unitColumn } = source;
  if (convertTo === undefined) return;
  // A column may hold the very same word; without one the source's unit is all there is.
  const problem = unit !== undefined ? conversionProblem(unit, convertTo) : undefined;
  const missing = unit === undefined && unitColumn === undefined;
  if (problem === undefined && !missing) return;
  throw new TitrateError('unit-unknown', {
    what: missing ? `values are to be kept in ${convertTo} and the unit they come in is not given` : problem!,
    where: source.uri,
    remedy: missing ? "Set 'unit' or 'unitColumn' of the source" : "Mend 'unit' or 'convertTo' of the source",
  });
}
