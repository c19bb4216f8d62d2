import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TitrateError, type SourceSpec } from '../../contracts';
import {
  CELL_OPTIONS,
  detectReading,
  readSource,
  type SourceCells,
  type SourceRecord,
  type SourceStructure,
} from '../../sources';

/** One row: its structure and the text of the columns asked for, or why it cannot be read. */
export type CellRow =
  | {
      readonly line: number;
      readonly structure: SourceStructure;
      /** By name of the column; one that is empty is not there. */
      readonly cells: ReadonlyMap<string, string>;
    }
  | { readonly line: number; readonly error: string };

/** Records in which a field of a format without a header is looked for. */
const LOOKED_AT = 100;
const SLOTS = Object.keys(CELL_OPTIONS) as (keyof SourceCells)[];
/** `value` first: a source may not name some of the others without it. */
const ORDER = ['value', ...SLOTS.filter((slot) => slot !== 'value')] as (keyof SourceCells)[];

/** @throws source-missing */
async function assertFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return;
  throw new TitrateError('source-missing', {
    what: found ? 'this is not a file' : 'there is no such file',
    where: file,
  });
}

/** Records with up to eight columns in the cells of a source: a reader's cells are text, whatever they are called. */
async function* pass(
  file: string,
  smilesColumn: string | undefined,
  columns: readonly string[],
): AsyncGenerator<SourceRecord> {
  const named = Object.fromEntries(columns.map((name, i) => [CELL_OPTIONS[ORDER[i]!], name]));
  const source: SourceSpec = { uri: file, ...(smilesColumn !== undefined && { smilesColumn }), ...named };
  const raw = () => createReadStream(file);
  const reading = await detectReading(raw, source);
  yield* readSource({ raw, localPath: () => Promise.resolve(file), source, reading });
}

/**
 * Which of these columns a file has; of a format without a header, those that one of its first hundred records has.
 * @throws source-missing, format-unknown, source-unreadable; column-missing without the SMILES.
 */
export async function columnsThere(
  file: string,
  smilesColumn: string | undefined,
  columns: readonly string[],
): Promise<ReadonlySet<string>> {
  await assertFile(file);
  // What is thrown without any other column is about the SMILES or the file.
  for await (const _record of pass(file, smilesColumn, [])) break;
  const there = new Set<string>();
  for (const column of columns) {
    try {
      let looked = 0;
      for await (const record of pass(file, smilesColumn, [column])) {
        if (record.ok && record.value !== undefined) {
          there.add(column);
          break;
        }
        if (++looked >= LOOKED_AT) break;
      }
      // A column of a header may be empty for long; that it was found is enough.
      if (!there.has(column) && (await hasHeader(file, smilesColumn))) there.add(column);
    } catch (error) {
      if (!(error instanceof TitrateError) || error.code !== 'column-missing') throw error;
    }
  }
  return there;
}

async function hasHeader(file: string, smilesColumn: string | undefined): Promise<boolean> {
  const source: SourceSpec = { uri: file, ...(smilesColumn !== undefined && { smilesColumn }) };
  const { format } = await detectReading(() => createReadStream(file), source);
  return format === 'csv' || format === 'tsv' || format === 'parquet';
}

/** Rows of a file in its order, each once. @param columns that the file has */
export async function* readCells(
  file: string,
  smilesColumn: string | undefined,
  columns: readonly string[],
): AsyncGenerator<CellRow> {
  await assertFile(file);
  const parts: string[][] = [];
  for (let at = 0; at === 0 || at < columns.length; at += ORDER.length)
    parts.push(columns.slice(at, at + ORDER.length));
  const [first, ...others] = parts.map((part) => pass(file, smilesColumn, part));
  try {
    for await (const record of first!) {
      const beside = await Promise.all(
        others.map(async (other) => (await other.next()).value as SourceRecord),
      );
      const records = [record, ...beside];
      const bad = records.find((each) => !each.ok);
      if (bad && !bad.ok) {
        yield { line: record.line, error: bad.message };
        continue;
      }
      const cells = new Map<string, string>();
      records.forEach((each, part) =>
        parts[part]!.forEach((name, i) => {
          const text = each.ok ? each[ORDER[i]!] : undefined;
          if (text !== undefined) cells.set(name, text);
        }),
      );
      if (record.ok) yield { line: record.line, structure: record.structure, cells };
    }
  } finally {
    await Promise.all(others.map((other) => other.return(undefined)));
  }
}
