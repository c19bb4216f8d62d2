import { readFileSync } from 'node:fs';
import { parse as parseCsv } from 'csv-parse/sync';
import { explainIssues, labResultSchema, nearestName, TitrateError, type LabResult } from '../../contracts';
import { hashOf } from '../../foundation';
import { asPropertyColumn, propertyPart, resultsOfRow } from './wide-columns';

/** One row of a results file: a result, or why it is none. */
export interface ResultRow {
  /** 1-based line (CSV, NDJSON) or position (JSON). */
  readonly line: number;
  readonly resultId: string | null;
  readonly result: LabResult | null;
  readonly problem: string | null;
}

export interface ResultsFile {
  readonly rows: readonly ResultRow[];
  /** Rows of a batch sheet that nobody has filled in. */
  readonly empty: number;
  /** Columns that hold nothing a result has room for. */
  readonly ignoredColumns: readonly string[];
  /** Rows whose resultId was made from their content. */
  readonly derivedIds: number;
}

const FIELDS = Object.keys(labResultSchema.shape);
const NUMBERS = new Set(['value', 'replicate']);
/** Columns of an exported batch sheet that say why a molecule was picked. */
const SHEET_COLUMNS = new Set([
  'rank',
  'predicted',
  'standarddeviation',
  'lower90',
  'upper90',
  'strategy',
  'reason',
  'nearest',
  'similarity',
  'teaches',
  'cost',
]);

const plain = (name: string) => name.toLowerCase().replace(/[\s_-]+/g, '');
const FIELD_BY_NAME = new Map(FIELDS.map((field) => [plain(field), field]));

type Raw = { line: number; value: Record<string, unknown> | null; problem: string | null };

/** Where a cell of a table goes: into a field of the result, or of the result of one property. */
type Column = { readonly field: string; readonly property?: string };

/**
 * @param valueColumns properties by the column with their values
 * @throws TitrateError column-missing for a header that is nearly the name of a field, and where there is no such column.
 */
function columnsOf(
  header: readonly string[],
  valueColumns: ReadonlyMap<string, string>,
  file: string,
): { columns: (Column | null)[]; ignored: string[] } {
  const absent = [...valueColumns.keys()].find((column) => !header.includes(column));
  if (absent !== undefined) {
    const where = { where: file, remedy: `Its columns: ${header.join(', ')}` };
    throw new TitrateError('column-missing', { what: `there is no column '${absent}'`, ...where });
  }
  const ignored: string[] = [];
  const columns = header.map((name): Column | null => {
    const measured = valueColumns.get(name);
    if (measured !== undefined) return { field: 'value', property: measured };
    const field = FIELD_BY_NAME.get(plain(name));
    if (field) return { field };
    const own = asPropertyColumn(name);
    if (own) return own;
    if (SHEET_COLUMNS.has(plain(propertyPart(name)?.field ?? name))) return null;
    const near = nearestName(name, FIELDS);
    // Passing over a misspelt 'qualifier' would turn bounds into measured values.
    if (near)
      throw new TitrateError('column-missing', {
        what: `unknown column '${name}'; did you mean '${near}'?`,
        where: file,
      });
    ignored.push(name);
    return null;
  });
  return { columns, ignored };
}

/** A cell's value; a number written as one. @returns null for a text where a number belongs. */
function cell(field: string, text: string): string | number | null {
  if (!NUMBERS.has(field)) return text;
  const number = Number(text);
  return Number.isNaN(number) ? null : number;
}

function readCsv(
  text: string,
  file: string,
  valueColumns: ReadonlyMap<string, string>,
): { raws: Raw[]; empty: number; ignored: string[] } {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    const delimiter = [',', ';', '\t'].sort(
      (a, b) => text.split('\n')[0]!.split(b).length - text.split('\n')[0]!.split(a).length,
    )[0]!;
    records = parseCsv(text, {
      bom: true,
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as never;
  } catch (error) {
    throw new TitrateError(
      'source-unreadable',
      { what: `not CSV: ${(error as Error).message}`, where: file },
      { cause: error },
    );
  }
  const [header, ...body] = records;
  if (!header) throw new TitrateError('source-unreadable', { what: 'the file is empty', where: file });
  const { columns, ignored } = columnsOf(header.record, valueColumns, file);
  let empty = 0;
  const raws = body.flatMap(({ record, info }): Raw[] => {
    if (record.length !== columns.length) {
      return [
        {
          line: info.lines,
          value: null,
          problem: `${record.length} cells where the header has ${columns.length}`,
        },
      ];
    }
    const common: Record<string, unknown> = {};
    const properties = new Map<string, Record<string, unknown>>();
    const wrong: { readonly property?: string; readonly what: string }[] = [];
    columns.forEach((column, i) => {
      if (column?.property !== undefined && !properties.has(column.property))
        properties.set(column.property, {});
      if (!column || record[i] === '') return;
      const { field, property } = column;
      const found = cell(field, record[i]!);
      (property === undefined ? common : properties.get(property)!)[field] = found;
      if (found === null)
        wrong.push({ property, what: `${header.record[i]}: '${record[i]}' is not a number` });
    });
    const results = properties.size > 0 ? resultsOfRow({ common, properties }) : [common];
    if (properties.size === 0 && common.value === undefined && common.outcome === undefined) results.pop();
    if (results.length === 0) empty++;
    return results.map((value) => {
      const own = wrong.filter(({ property }) => property === undefined || property === value.property);
      return { line: info.lines, value, problem: own.map(({ what }) => what).join('; ') || null };
    });
  });
  return { raws, empty, ignored };
}

function readJson(text: string, file: string): Raw[] {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch (error) {
    throw new TitrateError(
      'source-unreadable',
      { what: `not JSON: ${(error as Error).message}`, where: file },
      { cause: error },
    );
  }
  const list = Array.isArray(whole) ? whole : (whole as { results?: unknown } | null)?.results;
  if (!Array.isArray(list)) {
    throw new TitrateError('source-unreadable', {
      what: 'neither an array of results nor an object with an array `results`',
      where: file,
    });
  }
  return list.map((value: Record<string, unknown>, i) => ({ line: i + 1, value, problem: null }));
}

function readNdjson(text: string): Raw[] {
  return text.split(/\r?\n/).flatMap((line, i): Raw[] => {
    if (line.trim() === '') return [];
    try {
      return [{ line: i + 1, value: JSON.parse(line) as Record<string, unknown>, problem: null }];
    } catch (error) {
      return [{ line: i + 1, value: null, problem: `not JSON: ${(error as Error).message}` }];
    }
  });
}

/**
 * Reads lab results from CSV (.csv, .tsv), JSON (.json) or NDJSON (.ndjson, .jsonl). A bad row is told and stops no other.
 * A row without a resultId gets one from its content and its number among equal rows: the same file posted twice counts once,
 * and so do the rows left as they were when another row was mended. A table may have columns of several properties, as an exported sheet
 * has (`value:logP`), or as `valueColumns` names them: then a row is a result for each property that it says something of.
 * @param valueColumns properties by the column with their values
 * @throws TitrateError source-missing, source-unreadable, format-unknown, column-missing.
 */
export function readResultsFile(
  file: string,
  valueColumns: ReadonlyMap<string, string> = new Map(),
): ResultsFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new TitrateError(
      'source-missing',
      { what: 'the results file cannot be read', where: file },
      { cause: error },
    );
  }
  const extension = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? '';
  const read = { csv: readCsv, tsv: readCsv, json: readJson, ndjson: readNdjson, jsonl: readNdjson }[
    extension
  ];
  if (!read)
    throw new TitrateError('format-unknown', {
      what: 'expected a .csv, .tsv, .json, .ndjson or .jsonl file',
      where: file,
    });
  if (valueColumns.size > 0 && read !== readCsv) {
    throw new TitrateError('usage', {
      what: '--value-column names columns of a table, and this file has none',
      where: file,
      remedy: 'Name the property in each result instead: {"property": "logP", "value": 1.2, …}',
    });
  }
  const got = read(text, file, valueColumns);
  const { raws, empty, ignored } = Array.isArray(got) ? { raws: got, empty: 0, ignored: [] } : got;

  const seen = new Map<string, number>();
  let derivedIds = 0;
  const rows = raws.map(({ line, value, problem }): ResultRow => {
    if (problem !== null || value === null || typeof value !== 'object') {
      const named = typeof value?.resultId === 'string' ? value.resultId : null;
      return { line, resultId: named, result: null, problem: problem ?? 'not an object' };
    }
    let complete = value;
    if (value.resultId === undefined) {
      const hash = hashOf(value).slice(0, 24);
      const occurrence = (seen.get(hash) ?? 0) + 1;
      seen.set(hash, occurrence);
      derivedIds++;
      complete = { ...value, resultId: occurrence === 1 ? `row-${hash}` : `row-${hash}-${occurrence}` };
    }
    const resultId = typeof complete.resultId === 'string' ? complete.resultId : null;
    const parsed = labResultSchema.safeParse(complete);
    if (parsed.success) return { line, resultId, result: parsed.data, problem: null };
    return { line, resultId, result: null, problem: explainIssues(labResultSchema, parsed.error).join('; ') };
  });
  return { rows, empty, ignoredColumns: ignored, derivedIds };
}
