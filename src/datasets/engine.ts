import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  DuckDBInstance,
  LIST,
  listValue,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import { TitrateError } from '../contracts';

export interface EngineOptions {
  /** DuckDB's own limit, with its unit; what does not fit is spilled to disk. Default: `256MB`. */
  readonly memoryLimit?: string;
  /** Where scratch and spill files go; default: the system's temporary directory. */
  readonly temporaryDirectory?: string;
}

/** A row's cells, column by column as JSON has them; null where a row has none. */
export type Cells = readonly (string | number | null)[];

/** One connection: its temporary tables are its own. */
export interface Session {
  query(sql: string, values?: DuckDBValue[]): Promise<Record<string, unknown>[]>;
  /** `query` whose `$1` is a list of strings. */
  queryWithList(sql: string, list: readonly string[]): Promise<Record<string, unknown>[]>;
  /** The named columns of a query, in its order, up to 2,048 rows at a time. */
  stream(columns: readonly string[], sql: string): AsyncGenerator<Cells[]>;
  /** A file name nobody else uses; what lies there goes when the session ends. */
  scratchFile(extension: string): string;
}

export interface OpenSession {
  readonly session: Session;
  close(): Promise<void>;
}

/** DuckDB in memory, opened on first use: a sorter and reader of files that keeps nothing. */
export interface Engine {
  /** A session that lasts until it is closed, for generators. */
  open(): Promise<OpenSession>;
  session<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A million rows are committed within 600 MB of process memory: DuckDB's limit leaves out what its writers hold, about as much again. */
const DEFAULT_MEMORY = '256MB';
const FOLDER_PREFIX = 'titrate-datasets-';
const STALE_MS = 3600 * 1000;

/** Scratch folders of processes that were killed; the process id is part of the name. */
async function sweepStale(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (!pid || isRunning(Number(pid))) continue;
    const folder = path.join(root, name);
    // Another container may share the directory and not the process ids: an old one only.
    const found = await stat(folder).catch(() => null);
    if (found && Date.now() - found.mtimeMs > STALE_MS) await rm(folder, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export function createEngine(options: EngineOptions = {}): Engine {
  const root = path.resolve(options.temporaryDirectory ?? tmpdir());
  let opened: Promise<{ instance: DuckDBInstance; folder: string }> | undefined;
  let closed = false;
  let sessions = 0;

  async function open() {
    await mkdir(root, { recursive: true });
    await sweepStale(root).catch(() => undefined);
    const folder = await mkdtemp(path.join(root, `${FOLDER_PREFIX}${process.pid}-`));
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: options.memoryLimit ?? DEFAULT_MEMORY,
      threads: '2',
      temp_directory: path.join(folder, 'spill'),
      // Rows come out in the order of the file, and a sorted file is written in its order.
      preserve_insertion_order: 'true',
      // Nothing is fetched over the network: what is used (json, parquet) is built in.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    return { instance, folder };
  }

  async function openSession(): Promise<OpenSession> {
    if (closed) throw new TitrateError('unavailable', { what: 'the datasets are closed' });
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    const { instance, folder } = await opened;
    const number = ++sessions;
    const connection = await instance.connect();
    const files: string[] = [];
    const session = createSession(connection, (extension) => {
      const file = path.join(folder, `${number}-${files.length + 1}.${extension}`);
      files.push(file);
      return file;
    });
    return {
      session,
      async close() {
        connection.closeSync();
        for (const file of files) await rm(file, { force: true });
      },
    };
  }

  return {
    open: openSession,
    async session(work) {
      const { session, close } = await openSession();
      try {
        return await work(session);
      } finally {
        await close();
      }
    },
    async close() {
      closed = true;
      if (!opened) return;
      const { instance, folder } = await opened;
      opened = undefined;
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createSession(connection: DuckDBConnection, scratchFile: Session['scratchFile']): Session {
  return {
    scratchFile,
    async query(sql, values) {
      return (await connection.runAndReadAll(sql, values)).getRowObjects();
    },
    async queryWithList(sql, list) {
      return (await connection.runAndReadAll(sql, [listValue([...list])], [LIST(VARCHAR)])).getRowObjects();
    },
    async *stream(columns, sql) {
      // One text a row: reading it cell by cell through the binding takes twice the time.
      const cells = columns.map((name) => `"${name}"`).join(', ');
      const result = await connection.stream(`SELECT json_array(${cells})::VARCHAR FROM (${sql})`);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) return;
        yield (chunk.getColumnValues(0) as string[]).map((text) => JSON.parse(text) as Cells);
      }
    },
  };
}
