import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  canonicalJson,
  MEDIA_TYPES,
  RULE_SET_VERSION,
  SHARD_ROWS,
  TitrateError,
  type ArtifactRef,
  type DatasetRow,
  type DatasetVersion,
  type Molecule,
  type QuarantineRow,
} from '../contracts';
import { decodeNdjson, encodeNdjson, hashOf } from '../foundation';
import { parseRecord, type ObjectStore } from '../objects';
import type { Database, Row } from './database';
import type { MeasuredValue } from './knowledge';
import type { CommitDatasetRequest } from './warehouse';

/** Raised when the meaning of a row's fields changes; part of every version's id. */
const DATASET_SCHEMA = 'titrate.dataset/1';

const COLUMNS = {
  moleculeId: 'VARCHAR',
  smiles: 'VARCHAR',
  inchiKey: 'VARCHAR',
  rawSmiles: 'VARCHAR',
  compoundId: 'VARCHAR',
  value: 'DOUBLE',
  unit: 'VARCHAR',
  qualifier: 'VARCHAR',
  sourceSha256: 'VARCHAR',
  line: 'INTEGER',
} as const;
const NAMES = Object.keys(COLUMNS)
  .map((name) => `"${name}"`)
  .join(', ');
/** A total order of distinct rows, the same whatever order the sources were given in. */
const CANONICAL_ORDER = `"moleculeId", "sourceSha256", "line", ${NAMES}`;

export const sqlText = (text: string) => `'${text.replaceAll("'", "''")}'`;

const asRow = (row: Row) =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as DatasetRow;

/** Dataset versions: manifests as records, rows as Parquet that any engine reads. Callers hold the database exclusively. */
export function createDatasets(database: Database, objects: ObjectStore) {
  const manifests = new Map<string, DatasetVersion>();
  const parquetPaths = new Map<string, string>();
  const keyOf = (id: string) => `datasets/${id}`;

  async function find(id: string): Promise<DatasetVersion | null> {
    const known = manifests.get(id);
    if (known) return known;
    const bytes = await objects.readRecord(keyOf(id));
    if (!bytes) return null;
    const version = parseRecord<DatasetVersion>(bytes, keyOf(id));
    manifests.set(id, version);
    return version;
  }

  async function get(id: string): Promise<DatasetVersion> {
    const version = await find(id);
    if (version) return version;
    throw new TitrateError('not-found', {
      what: `there is no dataset version '${id}'`,
      remedy: 'Ingest the sources first',
    });
  }

  /** `read_parquet(...)` of a version's rows; the file is checked once a process. */
  async function parquet(version: DatasetVersion): Promise<string> {
    let file = parquetPaths.get(version.rows.sha256);
    if (!file) parquetPaths.set(version.rows.sha256, (file = await objects.localPath(version.rows)));
    return `read_parquet(${sqlText(file)})`;
  }

  async function* shardBytes(): AsyncGenerator<Buffer> {
    let shard: Molecule[] = [];
    const distinct = `SELECT "moleculeId", min("smiles") AS "smiles", min("inchiKey") AS "inchiKey" FROM incoming GROUP BY 1 ORDER BY 1`;
    for await (const rows of database.stream(distinct)) {
      for (const { moleculeId, smiles, inchiKey } of rows as unknown as Molecule[]) {
        shard.push({ moleculeId, smiles, inchiKey });
        if (shard.length < SHARD_ROWS) continue;
        yield encodeNdjson(shard);
        shard = [];
      }
    }
    if (shard.length) yield encodeNdjson(shard);
  }

  async function writeParquet(): Promise<ArtifactRef> {
    const folder = await mkdtemp(path.join(tmpdir(), 'titrate-dataset-'));
    try {
      const file = path.join(folder, 'rows.parquet');
      const rows = `SELECT ${NAMES} FROM incoming ORDER BY ${CANONICAL_ORDER}`;
      // Small row groups, so that a look-up of a few molecules reads a few groups.
      await database.query(
        `COPY (${rows}) TO ${sqlText(file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)`,
      );
      return await objects.putStream(createReadStream(file), MEDIA_TYPES.parquet);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function quarantineOf(request: CommitDatasetRequest): Promise<ArtifactRef> {
    async function* all() {
      for (const source of request.sources) yield* await objects.openRead(source.quarantine);
    }
    return objects.putStream(Readable.from(all(), { objectMode: false }), MEDIA_TYPES.ndjson);
  }

  async function commit(request: CommitDatasetRequest): Promise<DatasetVersion> {
    const { sources, parent } = request;
    if (parent !== null) await get(parent);
    const quarantined = sources.reduce((total, source) => total + source.quarantined, 0);
    if (!sources.some((source) => source.accepted > 0)) {
      const examples = sources.flatMap((source) => source.examples).slice(0, 3);
      throw new TitrateError('pool-empty', {
        what: `no row was accepted; ${quarantined} ${quarantined === 1 ? 'row was' : 'rows were'} quarantined${examples.length ? `, for instance ${examples.join('; ')}` : ''}`,
        where: sources.map((source) => source.source.uri).join(', '),
        remedy: 'Mend the files, or name the right columns',
      });
    }
    const files: string[] = [];
    for (const source of sources)
      if (source.accepted > 0) files.push(sqlText(await objects.localPath(source.rows)));
    const columns = Object.entries(COLUMNS)
      .map(([name, type]) => `"${name}": ${sqlText(type)}`)
      .join(', ');
    const loaded = `read_json([${files.join(', ')}], format = 'newline_delimited', columns = {${columns}})`;
    try {
      // A file that is named twice brings its rows once: a copy of a row is no replicate.
      await database.query(
        `CREATE OR REPLACE TEMP TABLE incoming AS SELECT DISTINCT ${NAMES} FROM ${loaded}`,
      );
      const digest = createHash('sha256');
      for await (const rows of database.stream(`SELECT ${NAMES} FROM incoming ORDER BY ${CANONICAL_ORDER}`)) {
        for (const row of rows) digest.update(`${canonicalJson(asRow(row))}\n`);
      }
      const rowsSha256 = digest.digest('hex');
      const identity = { schema: DATASET_SCHEMA, ruleSet: RULE_SET_VERSION, parent, rowsSha256 };
      const id = `data_${hashOf(identity).slice(0, 32)}`;
      const standing = await find(id);
      if (standing) return standing;

      const [counts] = await database.query(
        `SELECT count(DISTINCT "moleculeId") AS molecules, count("value") AS measured FROM incoming`,
      );
      const molecules = Number(counts!.molecules);
      const acceptedRows = sources.reduce((total, source) => total + source.accepted, 0);
      const shards: ArtifactRef[] = [];
      for await (const shard of shardBytes()) shards.push(await objects.put(shard, MEDIA_TYPES.ndjson));
      const version: DatasetVersion = {
        id,
        dataset: request.dataset,
        ...identity,
        rows: await writeParquet(),
        quarantine: await quarantineOf(request),
        shards,
        molecules,
        acceptedRows,
        quarantinedRows: quarantined,
        duplicateRows: acceptedRows - molecules,
        measuredRows: Number(counts!.measured),
        sources: sources.map((source) => ({
          uri: source.source.uri,
          sha256: source.raw.sha256,
          accepted: source.accepted,
          quarantined: source.quarantined,
        })),
        author: request.author,
        reason: request.reason,
        createdAt: new Date().toISOString(),
      };
      await objects.createRecord(keyOf(id), Buffer.from(JSON.stringify(version), 'utf8'));
      // Where another process was first, its manifest stands.
      return await get(id);
    } finally {
      await database.query('DROP TABLE IF EXISTS incoming').catch(() => undefined);
    }
  }

  return {
    commit,
    get,
    async readRows(version: DatasetVersion): Promise<DatasetRow[]> {
      return (
        await database.query(`SELECT ${NAMES} FROM ${await parquet(version)} ORDER BY ${CANONICAL_ORDER}`)
      ).map(asRow);
    },
    async readQuarantine(version: DatasetVersion): Promise<QuarantineRow[]> {
      return decodeNdjson<QuarantineRow>(await objects.get(version.quarantine));
    },
    async findMolecules(
      version: DatasetVersion,
      ids: readonly string[],
    ): Promise<Map<string, { smiles: string; compoundId?: string }>> {
      const rows = await database.queryWithList(
        `SELECT "moleculeId" AS id, min("smiles") AS smiles,
                first("compoundId" ORDER BY "sourceSha256", "line") FILTER (WHERE "compoundId" IS NOT NULL) AS compound
         FROM ${await parquet(version)} WHERE "moleculeId" IN (SELECT unnest($1)) GROUP BY 1`,
        ids,
      );
      return new Map(
        rows.map((row) => [
          row.id as string,
          {
            smiles: row.smiles as string,
            ...(row.compound === null ? {} : { compoundId: row.compound as string }),
          },
        ]),
      );
    },
    /** Values measured before the campaign. @throws TitrateError unit-unknown where they are not in `unit`. */
    async measuredValues(version: DatasetVersion, unit: string | undefined): Promise<MeasuredValue[]> {
      const rows = await database.query(
        `SELECT "moleculeId" AS id, "smiles", "value", "qualifier", "unit", "line" FROM ${await parquet(version)} WHERE "value" IS NOT NULL`,
      );
      const other = rows.find((row) => unit !== undefined && row.unit !== null && row.unit !== unit);
      if (other) {
        throw new TitrateError('unit-unknown', {
          what: `values are in '${other.unit as string}', the objective is in '${unit}'`,
          where: `dataset version ${version.id}, line ${Number(other.line)}`,
          remedy: "Convert the column and give the source the objective's unit",
        });
      }
      return rows.map((row) => ({
        moleculeId: row.id as string,
        smiles: row.smiles as string,
        value: row.value as number,
        qualifier: (row.qualifier ?? '=') as MeasuredValue['qualifier'],
      }));
    },
  };
}
export type Datasets = ReturnType<typeof createDatasets>;
