import { mkdir, realpath, rename } from 'node:fs/promises';
import path from 'node:path';
import {
  DuckDBInstance,
  LIST,
  listValue,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import { TitrateError } from '../../contracts';

/** Raised with every change of the tables below; a file of another version is rebuilt. */
const SCHEMA_VERSION = '3';

const TABLES = `
  CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);
  CREATE TABLE applied (campaign_id VARCHAR, log VARCHAR, number INTEGER, sha256 VARCHAR, PRIMARY KEY (campaign_id, log, number));
  CREATE TABLE measurements (
    campaign_id VARCHAR, result_id VARCHAR, position INTEGER, chunk INTEGER, molecule_id VARCHAR,
    standard_smiles VARCHAR, inchi_key VARCHAR, outcome VARCHAR, value DOUBLE, qualifier VARCHAR, batch_id VARCHAR, replaces VARCHAR, property VARCHAR, content VARCHAR, PRIMARY KEY (campaign_id, result_id)
  );
  CREATE TABLE batches (campaign_id VARCHAR, batch_id VARCHAR, round INTEGER, after_chunks INTEGER, PRIMARY KEY (campaign_id, batch_id));
  CREATE TABLE picks (campaign_id VARCHAR, batch_id VARCHAR, molecule_id VARCHAR, smiles VARCHAR);
  CREATE VIEW standing_measurements AS SELECT m.* FROM measurements m
    WHERE NOT EXISTS (SELECT 1 FROM measurements r WHERE r.campaign_id = m.campaign_id AND r.replaces = m.result_id);
  INSERT INTO meta VALUES ('schema', '${SCHEMA_VERSION}');
`;
const TABLE_NAMES = ['meta', 'applied', 'measurements', 'batches', 'picks'];

export type Row = Record<string, DuckDBValue>;

/** One DuckDB file, one connection, calls one at a time. */
export interface Database {
  /** Runs `work` when everything before it has finished. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  query(sql: string, values?: DuckDBValue[]): Promise<Row[]>;
  /** `query` whose `$1` is a list of strings. */
  queryWithList(sql: string, list: readonly string[], more?: string[]): Promise<Row[]>;
  transaction<T>(work: () => Promise<T>): Promise<T>;
  append(table: string, rows: Iterable<readonly (string | number | null)[]>): Promise<void>;
  /** Empties the index and makes its tables anew. */
  reset(): Promise<void>;
  /** Whether the tables are there and of this version. */
  isCurrent(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Files this process holds open. DuckDB's lock belongs to a process, so it would let one process open a file twice, and two
 * instances on one file ruin it. Shared between copies of this module.
 */
const open: Set<string> = ((globalThis as Record<symbol, unknown>)[Symbol.for('titrate.warehouse.open')] ??=
  new Set()) as Set<string>;

const UNREADABLE =
  /not a valid DuckDB database|version number|replaying WAL|corrupt|checksum|serialization error/i;

function conflict(file: string, owner: string): TitrateError {
  return new TitrateError('conflict', {
    what: `the warehouse is open in ${owner}`,
    where: file,
    remedy: 'One process owns a warehouse: stop that one, or ask it',
  });
}

async function openInstance(file: string): Promise<DuckDBInstance> {
  // Nothing is fetched over the network: what is used (json, parquet) is built in.
  const options = { autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' };
  try {
    return await DuckDBInstance.create(file, options);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const lock = /Conflicting lock is held in (.*?) \(PID (\d+)\)/.exec(message);
    if (lock) throw conflict(file, `process ${lock[2]} (${lock[1]})`);
    if (/could not set lock|used by another process/i.test(message)) throw conflict(file, 'another process');
    if (!UNREADABLE.test(message)) {
      const remedy = 'See that the directory is there, writable and has room';
      throw new TitrateError(
        'unavailable',
        { what: `DuckDB cannot open the file: ${message}`, where: file, remedy },
        { cause: error },
      );
    }
    // Damaged, or written by another DuckDB. It is only an index, made anew from the records; the file is kept beside it.
    const aside = `${file}.unreadable-${Date.now()}`;
    await rename(file, aside);
    await rename(`${file}.wal`, `${aside}.wal`).catch(() => undefined);
    return DuckDBInstance.create(file, options);
  }
}

/** @throws TitrateError conflict while anybody holds the file, naming the owner; unavailable when it cannot be opened. */
export async function openDatabase(location: string): Promise<Database> {
  const folder = path.dirname(path.resolve(location));
  await mkdir(folder, { recursive: true });
  const file = path.join(await realpath(folder), path.basename(location));
  if (open.has(file)) throw conflict(file, `this process (${process.pid})`);
  open.add(file);
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  try {
    instance = await openInstance(file);
    connection = await instance.connect();
  } catch (error) {
    open.delete(file);
    throw error;
  }

  let closed = false;
  let last: Promise<unknown> = Promise.resolve();
  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };

  const database: Database = {
    exclusive: (work) =>
      enqueue(() => {
        if (closed) throw new TitrateError('unavailable', { what: 'the warehouse is closed', where: file });
        return work();
      }),
    async query(sql, values) {
      return (await connection.runAndReadAll(sql, values)).getRowObjects();
    },
    async queryWithList(sql, list, more = []) {
      const types = [LIST(VARCHAR), ...more.map(() => VARCHAR)];
      return (await connection.runAndReadAll(sql, [listValue([...list]), ...more], types)).getRowObjects();
    },
    async transaction(work) {
      await connection.run('BEGIN');
      try {
        const value = await work();
        await connection.run('COMMIT');
        return value;
      } catch (error) {
        await connection.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
    async append(table, rows) {
      const appender = await connection.createAppender(table);
      for (const row of rows) {
        for (const cell of row) {
          if (cell === null) appender.appendNull();
          else if (typeof cell === 'string') appender.appendVarchar(cell);
          else appender.appendDouble(cell);
        }
        appender.endRow();
      }
      appender.closeSync();
    },
    async reset() {
      await connection.run('BEGIN');
      await connection.run('DROP VIEW IF EXISTS standing_measurements');
      for (const table of TABLE_NAMES) await connection.run(`DROP TABLE IF EXISTS ${table}`);
      await connection.run(TABLES);
      await connection.run('COMMIT');
    },
    async isCurrent() {
      const tables = await database.query(
        `SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'`,
      );
      const names = new Set(tables.map((row) => row.table_name));
      if (!TABLE_NAMES.every((name) => names.has(name))) return false;
      const [row] = await database.query(`SELECT value FROM meta WHERE key = 'schema'`);
      return row?.value === SCHEMA_VERSION;
    },
    close: () =>
      enqueue(async () => {
        if (closed) return;
        closed = true;
        connection.closeSync();
        instance.closeSync();
        open.delete(file);
      }),
  };
  return database;
}
