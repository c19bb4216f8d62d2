import { TitrateError, type DatasetRow } from '../contracts';
import { sqlText } from '../foundation';
import type { Cells } from './engine';

/** Raised when the meaning of a row's fields changes; part of every version's id. */
export const DATASET_SCHEMA = 'titrate.dataset/2';

type ColumnType = 'VARCHAR' | 'DOUBLE' | 'INTEGER' | 'BIGINT';

/** The columns of a version's Parquet file, in this order. */
export const COLUMNS = {
  moleculeId: 'VARCHAR',
  smiles: 'VARCHAR',
  inchiKey: 'VARCHAR',
  rawSmiles: 'VARCHAR',
  compoundId: 'VARCHAR',
  value: 'DOUBLE',
  unit: 'VARCHAR',
  qualifier: 'VARCHAR',
  reportedValue: 'DOUBLE',
  reportedUnit: 'VARCHAR',
  conversion: 'VARCHAR',
  replicate: 'INTEGER',
  assay: 'VARCHAR',
  batch: 'VARCHAR',
  measuredAt: 'VARCHAR',
  sourceSha256: 'VARCHAR',
  line: 'BIGINT',
} as const satisfies Record<keyof DatasetRow, ColumnType>;
export type ColumnName = keyof typeof COLUMNS;
export const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
export const SELECTED = quoted(COLUMN_NAMES);

/** A total order of distinct rows, the same whatever order the sources were given in, and in any engine. */
export const CANONICAL_ORDER = [...new Set(['moleculeId', 'sourceSha256', 'line', ...COLUMN_NAMES])]
  .map((name) => `"${name}" ASC NULLS LAST`)
  .join(', ');

/** The columns of files written by earlier schemas; the others read as null there. */
const COLUMNS_OF: Readonly<Record<string, readonly string[]>> = {
  'titrate.dataset/1': [
    'moleculeId',
    'smiles',
    'inchiKey',
    'rawSmiles',
    'compoundId',
    'value',
    'unit',
    'qualifier',
    'sourceSha256',
    'line',
  ],
  [DATASET_SCHEMA]: COLUMN_NAMES,
};

/**
 * `SELECT` of all columns of a version's Parquet file, in the file's order.
 * @throws TitrateError runtime-mismatch for a schema this code does not know.
 */
export function selectRows(version: { readonly id: string; readonly schema: string }, file: string): string {
  const present = COLUMNS_OF[version.schema];
  if (!present) {
    throw new TitrateError('runtime-mismatch', {
      what: `the version has schema '${version.schema}', known here are ${Object.keys(COLUMNS_OF).join(', ')}`,
      where: `dataset version ${version.id}`,
      remedy: 'Use the release of titrate that wrote it, or a later one',
    });
  }
  const cells = COLUMN_NAMES.map((name) =>
    present.includes(name)
      ? `"${name}"::${COLUMNS[name]} AS "${name}"`
      : `NULL::${COLUMNS[name]} AS "${name}"`,
  );
  return `SELECT ${cells.join(', ')} FROM read_parquet(${sqlText(file)})`;
}

/** `read_json(…)` of NDJSON files of DatasetRow. */
export function readJson(files: readonly string[]): string {
  const columns = COLUMN_NAMES.map((name) => `"${name}": ${sqlText(COLUMNS[name])}`).join(', ');
  return `read_json([${files.map(sqlText).join(', ')}], format = 'newline_delimited', columns = {${columns}})`;
}

/** @param cells in the order of COLUMN_NAMES */
export function rowOf(cells: Cells): DatasetRow {
  const row: Record<string, unknown> = {};
  for (let c = 0; c < COLUMN_NAMES.length; c++) if (cells[c] !== null) row[COLUMN_NAMES[c]!] = cells[c];
  return row as unknown as DatasetRow;
}

const KEYS = COLUMN_NAMES.map((name, column) => ({ name, column, label: `${JSON.stringify(name)}:` })).sort(
  (a, b) => (a.name < b.name ? -1 : 1),
);

/** The canonical JSON (src/contracts/json.ts) of a row, without a newline; several times as fast, the keys being known. */
export function canonicalLine(cells: Cells): string {
  let line = '';
  for (const { column, label } of KEYS) {
    const value = cells[column];
    // -0 has the spelling of 0 in JSON already.
    if (value !== null) line += (line === '' ? '{' : ',') + label + JSON.stringify(value);
  }
  return `${line}}`;
}
