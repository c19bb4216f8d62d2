import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { TitrateError, type DatasetVersion } from '../contracts';
import type { VersionBytes } from './bytes';
import { sqlText } from '../foundation';
import type { Engine } from './engine';
import { CANONICAL_ORDER, COLUMN_NAMES, DATASET_SCHEMA, selectRows } from './row-columns';

/**
 * What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), the full-width forms too. A sign with nothing
 * after it is a qualifier or a dash.
 */
const FORMULA = /^(?:[\t\r\n]|[=+\-@＝＋－＠][^])/;
const QUOTED = /[",\r\n]/;

/**
 * A cell of a CSV file (RFC 4180). Text that a spreadsheet would run as a formula gets an apostrophe before it: `=1+1` is written
 * `'=1+1`. Numbers stay as they are, negative ones too: no formula begins with what is a number as a whole.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Writes beside `file`, and renames when all of it is on disk: a reader sees the old file or the whole new one. */
async function writeWhole<T>(file: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const target = path.resolve(file);
  const temporary = path.join(path.dirname(target), `.tmp-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(path.dirname(target), { recursive: true });
    const result = await write(temporary);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(temporary, target);
    return result;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code || error instanceof TitrateError) throw error;
    throw new TitrateError(
      'unavailable',
      {
        what: `the file cannot be written: ${message}`,
        where: target,
        remedy: 'See that its directory is there, writable and has room',
      },
      { cause: error },
    );
  }
}

/**
 * All rows of a version, in canonical order: Parquet with one column a field of DatasetRow, or CSV with the same names as header.
 * @returns the number of rows written
 */
export async function exportVersion(
  engine: Engine,
  bytes: VersionBytes,
  version: DatasetVersion,
  file: string,
  format: 'parquet' | 'csv',
): Promise<{ rows: number }> {
  const stored = await bytes.rowsFile(version);
  const select = selectRows(version, stored);
  return writeWhole(file, (temporary) =>
    engine.session(async (session) => {
      if (format === 'csv') {
        const handle = await open(temporary, 'wx');
        let rows = 0;
        try {
          await handle.write(`${COLUMN_NAMES.join(',')}\r\n`);
          for await (const chunk of session.stream(COLUMN_NAMES, select)) {
            await handle.write(chunk.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join(''));
            rows += chunk.length;
          }
        } finally {
          await handle.close();
        }
        return { rows };
      }
      if (version.schema === DATASET_SCHEMA) await copyFile(stored, temporary);
      else
        await session.query(
          `COPY (SELECT * FROM (${select}) ORDER BY ${CANONICAL_ORDER}) TO ${sqlText(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
        );
      const [counted] = await session.query(
        `SELECT count(*) AS rows FROM read_parquet(${sqlText(temporary)})`,
      );
      return { rows: Number(counted!.rows) };
    }),
  );
}
