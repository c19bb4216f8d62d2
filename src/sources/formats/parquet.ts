import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TitrateError } from '../../contracts';
import { plainBytes } from './bytes';
import { columnError, isSmilesColumn, type WantedColumn } from './columns';
import type { RecordMaker } from './record-maker';
import { SourceCut } from './source-cut';
import { malformed, type SourceRecord } from './source-record';
import type { OpenBytes } from '../sources';

/** DuckDB's own memory; a row group of the wanted columns has to fit. */
const MEMORY_LIMIT = '512MB';

interface FileColumn {
  readonly name: string;
  /** DuckDB's name of the type, e.g. `DECIMAL(10,2)`. */
  readonly type: string;
}

const TEXT = /^(VARCHAR|ENUM)/;
const NUMERIC = /^(U?(TINY|SMALL|HUGE|BIG)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;
const MOMENT = /^(DATE|TIMESTAMP)/;
const NAME = /^(VARCHAR|ENUM|UUID|BOOLEAN|U?(TINY|SMALL|HUGE|BIG)INT|U?INTEGER|DECIMAL)/;

const ACCEPTED: Readonly<Record<WantedColumn['cell'], { types: readonly RegExp[]; words: string }>> = {
  compoundId: { types: [NAME], words: 'text or whole numbers' },
  value: { types: [TEXT, NUMERIC], words: 'numbers or text' },
  qualifier: { types: [TEXT], words: 'text' },
  unit: { types: [TEXT], words: 'text' },
  replicate: { types: [TEXT, NUMERIC], words: 'whole numbers or text' },
  assay: { types: [NAME], words: 'text or whole numbers' },
  batch: { types: [NAME], words: 'text or whole numbers' },
  measuredAt: { types: [TEXT, MOMENT], words: 'dates, timestamps or text' },
};

/** SQL that turns a column into the text of a cell; doubles come as they are, for JavaScript's shortest form. */
function expression({ name, type }: FileColumn): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  if (type === 'DOUBLE') return column;
  // A timestamp with a zone is a moment in UTC; one without is given without.
  if (type.startsWith('TIMESTAMP')) {
    const zone = type.includes('ZONE') ? 'Z' : '';
    return `strftime(make_timestamp(epoch_us(${column})), '%Y-%m-%dT%H:%M:%S.%f${zone}')`;
  }
  return `CAST(${column} AS VARCHAR)`;
}

/** A timestamp without a zone at midnight is a day; fractions of a second are given only where there are any. */
const tidyMoment = (text: string) => text.replace(/\.0+(?=Z?$)/, '').replace(/T00:00:00$/, '');

/** The first line of DuckDB's message, without the path: that of a temporary file says nothing. */
function firstLine(error: unknown): string {
  const line = (error as Error).message.split('\n')[0]!;
  return line.replace(/^(Invalid Input|Invalid|IO) Error: /, '').replace(/\s*(["'])\/.*?\1/g, '');
}

function unreadable(where: string, error: unknown): TitrateError {
  const message = (error as Error).message;
  if (/^Out of Memory/i.test(message)) {
    const remedy = 'Write the file with smaller row groups';
    const what = `a row group does not fit into ${MEMORY_LIMIT}`;
    return new TitrateError('source-unreadable', { what, where, remedy }, { cause: error });
  }
  if (/^IO Error/i.test(message)) {
    const remedy = 'Try again; see that the file is there and can be read';
    return new TitrateError('unavailable', { what: firstLine(error), where, remedy }, { cause: error });
  }
  return new TitrateError(
    'source-unreadable',
    {
      what: `the file cannot be read as Parquet, or was cut: ${firstLine(error)}`,
      where,
      remedy: 'Write or fetch the file again',
    },
    { cause: error },
  );
}

/** @throws TitrateError source-unreadable, column-missing naming the columns and their types. */
async function chooseColumns(
  connection: DuckDBConnection,
  pattern: string,
  maker: RecordMaker,
): Promise<{ smiles: FileColumn; cells: FileColumn[] }> {
  const { source, wanted } = maker;
  const described = await connection
    .runAndReadAll('DESCRIBE SELECT * FROM read_parquet($1)', [pattern])
    .catch((error: unknown) => {
      throw unreadable(source.uri, error);
    });
  const columns = described.getRowsJS().map(([name, type]) => ({ name: String(name), type: String(type) }));
  const names = columns.map(({ name }) => name);
  const shown =
    columns
      .slice(0, 50)
      .map(({ name, type }) => `'${name}' (${type})`)
      .join(', ') + (columns.length > 50 ? ', …' : '');
  const find = (
    name: string,
    option: string,
    types: readonly RegExp[],
    words: string,
    matches: (n: string) => boolean,
  ) => {
    const found = columns.filter((column) => matches(column.name));
    if (found.length !== 1)
      throw columnError(source.uri, option, name, names, { found: found.length, shown });
    if (types.some((type) => type.test(found[0]!.type) && !found[0]!.type.endsWith(']'))) return found[0]!;
    throw new TitrateError('column-missing', {
      what: `the column '${found[0]!.name}' holds ${found[0]!.type}, not ${words}; the columns are ${shown}`,
      where: source.uri,
      remedy: `Set ${option} to a column with ${words}`,
    });
  };
  return {
    smiles: find(source.smilesColumn ?? 'smiles', 'smilesColumn', [TEXT], 'text', (name) =>
      isSmilesColumn(name, source),
    ),
    cells: wanted.map(({ cell, name, option }) =>
      find(name, option, ACCEPTED[cell].types, ACCEPTED[cell].words, (column) => column === name),
    ),
  };
}

/** Rows of the file as its own metadata count them. */
async function countRows(connection: DuckDBConnection, pattern: string): Promise<number> {
  const counted = await connection.runAndReadAll('SELECT sum(num_rows) FROM parquet_file_metadata($1)', [
    pattern,
  ]);
  return Number(counted.getRowsJS()[0]![0]);
}

/**
 * Rows of a Parquet file, read by DuckDB in flat memory on one thread. A record's line is its row in the file, from 1; its raw text is
 * JSON of the used cells. Dates, decimals and timestamps become text (a timestamp with a zone in UTC).
 * @param file path of the whole file
 * @param onBytes told the position that the rows read so far stand for
 * @throws TitrateError source-unreadable, column-missing naming the columns and their types, unavailable.
 */
export async function* readParquet(
  file: string,
  maker: RecordMaker,
  onBytes?: (position: number) => void,
): AsyncGenerator<SourceRecord> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY_LIMIT,
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    // A chunk at a time: with more in the buffer, a damage would take the good rows before it along.
    await connection.run("SET streaming_buffer_size = '1KB'");
    // The function takes a pattern; a path may hold the characters of one.
    const pattern = path.resolve(file).replace(/[*?[]/g, '[$&]');
    const { smiles, cells } = await chooseColumns(connection, pattern, maker);
    const used = [smiles, ...cells];
    const rows = await countRows(connection, pattern);
    const bytes = (await stat(file)).size;
    let row = 0;
    let reason = 'the data are damaged';
    /** @throws TitrateError for what has nothing to do with the file's bytes. */
    const explain = (error: unknown) => {
      const known = unreadable(maker.source.uri, error);
      if (known.code !== 'source-unreadable' || row === 0) throw known;
      reason = firstLine(error);
    };
    try {
      const result = await connection.stream(
        `SELECT ${used.map(expression).join(', ')} FROM read_parquet($1)`,
        [pattern],
      );
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) break;
        const columns = used.map((column, i) => {
          const moment = column.type.startsWith('TIMESTAMP');
          return chunk.getColumnValues(i).map((value) => {
            if (value === null) return undefined;
            return moment ? tidyMoment(String(value)) : String(value);
          });
        });
        for (let i = 0; i < chunk.rowCount; i++) {
          const raw = JSON.stringify(Object.fromEntries(used.map(({ name }, c) => [name, columns[c]![i]])));
          const structure = { notation: 'smiles', text: columns[0]![i] ?? '' } as const;
          yield maker.record(++row, raw, structure, (c) => columns[c + 1]![i]);
        }
        onBytes?.(Math.round((bytes * row) / rows));
      }
    } catch (error) {
      explain(error);
    }
    if (row < rows) {
      // A stream of DuckDB's ends in silence where it fails; a query that reads all there is to the end says why.
      await connection
        .run(`SELECT bit_xor(hash(${used.map(expression).join(', ')})) FROM read_parquet($1)`, [pattern])
        .catch(explain);
      const message = `rows ${row + 1} to ${rows} cannot be read: ${reason}; write or fetch the file again`;
      yield malformed(row + 1, '', message, 'source-truncated');
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The same from a file compressed by gzip: DuckDB needs it whole, so it is inflated into a temporary file. */
export async function* readGzippedParquet(
  raw: OpenBytes,
  maker: RecordMaker,
  onBytes?: (position: number) => void,
): AsyncGenerator<SourceRecord> {
  const directory = await mkdtemp(path.join(tmpdir(), 'titrate-parquet-'));
  try {
    const file = path.join(directory, 'inflated.parquet');
    try {
      await pipeline(Readable.from(plainBytes(raw, 'gzip', onBytes)), createWriteStream(file));
    } catch (error) {
      if (!(error instanceof SourceCut)) throw error;
      throw new TitrateError('source-unreadable', {
        what: error.message,
        where: maker.source.uri,
        remedy: 'A Parquet file can only be read whole: fetch it again',
      });
    }
    yield* readParquet(file, maker);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
