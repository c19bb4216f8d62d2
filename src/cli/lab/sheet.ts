import type { BatchSheet } from '../../contracts';
import { toCsv } from '../table';

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

/** A batch sheet as CSV, one line a pick. */
export function sheetToCsv(sheet: BatchSheet): string {
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
