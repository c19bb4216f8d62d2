import type { BatchSheet } from '../../contracts';
import { toCsv } from '../table';
import { columnName } from './wide-columns';

/** Columns of an exported sheet. The empty ones at the end are for the lab: `titrate results submit` reads a filled sheet. */
export const SHEET_COLUMNS = [
  'batchId',
  'rank',
  'moleculeId',
  'compoundId',
  'smiles',
  'predicted',
  'standardDeviation',
  'lower90',
  'upper90',
  'strategy',
  'reason',
  'nearest',
  'similarity',
  'teaches',
  'cost',
  'plate',
  'well',
  'outcome',
  'value',
  'unit',
  'note',
] as const;

/** Columns that tell what a model predicts of a property. */
const PREDICTED = ['predicted', 'standardDeviation', 'lower90', 'upper90'] as const;

/**
 * A batch sheet as CSV, one line a pick. Of several properties each has its own columns, for the prediction (`predicted:logP`) and for the
 * lab to fill in (`value:logP`).
 */
export function sheetToCsv(sheet: BatchSheet): string {
  if (sheet.others) return wideSheet(sheet, sheet.others);
  return toCsv(
    SHEET_COLUMNS,
    sheet.picks.map((p) => [
      sheet.batchId,
      p.rank,
      p.moleculeId,
      p.compoundId,
      p.smiles,
      p.predicted,
      p.standardDeviation,
      p.interval90?.[0],
      p.interval90?.[1],
      p.strategy,
      p.reason,
      p.nearest?.smiles ?? p.nearest?.moleculeId,
      p.nearest?.similarity,
      p.teaches,
      p.cost,
      p.plate,
      p.well,
      '',
      '',
      sheet.unit,
      '',
    ]),
  );
}

function wideSheet(sheet: BatchSheet, others: NonNullable<BatchSheet['others']>): string {
  const properties = [{ property: sheet.property, unit: sheet.unit }, ...others];
  const [before, reasons] = [SHEET_COLUMNS.slice(0, 5), SHEET_COLUMNS.slice(9, 17)];
  return toCsv(
    [
      ...before,
      ...properties.flatMap(({ property }) => PREDICTED.map((field) => columnName(field, property))),
      ...reasons,
      'outcome',
      ...properties.flatMap(({ property }) => ['value', 'unit'].map((field) => columnName(field, property))),
      'note',
    ],
    sheet.picks.map((p) => [
      ...[sheet.batchId, p.rank, p.moleculeId, p.compoundId, p.smiles],
      ...properties.flatMap(({ property }, i) => {
        const own = i === 0 ? p : p.others?.find((other) => other.property === property);
        return [own?.predicted, own?.standardDeviation, own?.interval90?.[0], own?.interval90?.[1]];
      }),
      ...[p.strategy, p.reason, p.nearest?.smiles ?? p.nearest?.moleculeId, p.nearest?.similarity],
      ...[p.teaches, p.cost, p.plate, p.well],
      '',
      ...properties.flatMap(({ unit }) => ['', unit]),
      '',
    ]),
  );
}
