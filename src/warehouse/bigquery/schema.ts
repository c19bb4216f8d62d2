import type { TableField, TableMetadata } from '@google-cloud/bigquery';
import { TitrateError } from '../../contracts';
import type { Connection } from './client';
import { asWarehouseError, type BigQueryFailure } from './errors';
import type { Jobs } from './jobs';

const field =
  (type: string, mode: 'REQUIRED' | 'NULLABLE') =>
  (name: string): TableField => ({ name, type, mode });
const text = field('STRING', 'REQUIRED');
const textOrNull = field('STRING', 'NULLABLE');
const integer = field('INT64', 'REQUIRED');
const numberOrNull = field('FLOAT64', 'NULLABLE');
const day = field('DATE', 'REQUIRED');
const moment = field('TIMESTAMP', 'REQUIRED');

interface TableSpec {
  readonly description: string;
  readonly fields: readonly TableField[];
  /** DATE column that partitions the table by day. */
  readonly partition?: string;
  readonly cluster?: readonly string[];
}

/** Columns that a measurement is loaded with; the day it was indexed on is added on the way in. */
export const MEASUREMENT_FIELDS = [
  ...[text('campaign_id'), text('result_id'), integer('position'), integer('chunk'), text('molecule_id')],
  ...[
    text('standard_smiles'),
    textOrNull('inchi_key'),
    text('outcome'),
    numberOrNull('value'),
    text('qualifier'),
  ],
  ...[textOrNull('batch_id'), textOrNull('replaces'), text('content'), textOrNull('property')],
];
export const PICK_FIELDS = [text('campaign_id'), text('batch_id'), text('molecule_id'), text('smiles')];
export const QUARANTINE_FIELDS = [
  ...[text('source_sha256'), integer('line'), textOrNull('raw'), text('reason'), textOrNull('message')],
];
/** Columns of `dataset_rows` beside version and day, and the column of a version's Parquet each is read from. */
export const DATASET_COLUMNS = [
  ['molecule_id', 'moleculeId', 'STRING'],
  ['smiles', 'smiles', 'STRING'],
  ['inchi_key', 'inchiKey', 'STRING'],
  ['raw_smiles', 'rawSmiles', 'STRING'],
  ['compound_id', 'compoundId', 'STRING'],
  ['value', 'value', 'FLOAT64'],
  ['unit', 'unit', 'STRING'],
  ['qualifier', 'qualifier', 'STRING'],
  ['reported_value', 'reportedValue', 'FLOAT64'],
  ['reported_unit', 'reportedUnit', 'STRING'],
  ['conversion', 'conversion', 'STRING'],
  ['replicate', 'replicate', 'INT64'],
  ['assay', 'assay', 'STRING'],
  ['batch', 'batch', 'STRING'],
  ['measured_at', 'measuredAt', 'STRING'],
  ['source_sha256', 'sourceSha256', 'STRING'],
  ['line', 'line', 'INT64'],
] as const;

const TABLES = {
  schema_migrations: {
    description: 'Changes of these tables, in order.',
    fields: [integer('number'), text('name'), moment('applied_at')],
  },
  applied: {
    description:
      'How far each log of each campaign is indexed; dataset versions that are; resets of the index.',
    fields: [text('campaign_id'), text('log'), integer('number'), text('sha256')],
    cluster: ['campaign_id', 'log'],
  },
  measurements: {
    description:
      'Results that were accepted, replaced ones too; append-only. indexed_on: the day they came in here.',
    fields: [...MEASUREMENT_FIELDS, day('indexed_on')],
    partition: 'indexed_on',
    cluster: ['campaign_id', 'molecule_id'],
  },
  batches: {
    description: 'Batches out with a lab.',
    fields: [text('campaign_id'), text('batch_id'), integer('round'), integer('after_chunks')],
    cluster: ['campaign_id', 'batch_id'],
  },
  picks: { description: 'Molecules of batches.', fields: PICK_FIELDS, cluster: ['campaign_id', 'batch_id'] },
  dataset_rows: {
    description: 'Accepted rows of dataset versions.',
    fields: [
      ...[text('dataset_version'), day('committed_on')],
      ...DATASET_COLUMNS.map(([name, , type]) => field(type, 'NULLABLE')(name)),
    ],
    partition: 'committed_on',
    cluster: ['dataset_version', 'molecule_id'],
  },
  molecules: {
    description: 'Every molecule of every version, once.',
    fields: [text('molecule_id'), text('smiles'), textOrNull('inchi_key')],
    cluster: ['molecule_id'],
  },
  quarantine: {
    description: 'Rows of dataset versions that could not be used, and why.',
    fields: [text('dataset_version'), day('committed_on'), ...QUARANTINE_FIELDS],
    partition: 'committed_on',
    cluster: ['dataset_version', 'reason'],
  },
} as const satisfies Record<string, TableSpec>;
export type TableName = keyof typeof TABLES;

/** One row a result, also where something outside of titrate wrote one twice. */
export const distinctMeasurements = (connection: Connection): string =>
  `SELECT * FROM ${connection.sqlName('measurements')} WHERE TRUE
   QUALIFY ROW_NUMBER() OVER (PARTITION BY campaign_id, result_id ORDER BY chunk, position) = 1`;

const standingView = (connection: Connection): string => `
  SELECT m.* FROM (${distinctMeasurements(connection)}) m
  WHERE NOT EXISTS (
    SELECT 1 FROM ${connection.sqlName('measurements')} r WHERE r.campaign_id = m.campaign_id AND r.replaces = m.result_id
  )`;

async function createTable(connection: Connection, name: string, metadata: TableMetadata): Promise<void> {
  const { dataset, options, tableId } = connection;
  await dataset
    .createTable(tableId(name), { ...metadata, labels: { ...options.labels } })
    .catch((error: BigQueryFailure) => {
      if (error.code !== 409) throw asWarehouseError(error, `BigQuery table ${connection.sqlName(name)}`);
    });
}

function makeTable(connection: Connection, name: TableName): Promise<void> {
  const { description, fields, partition, cluster }: TableSpec = TABLES[name];
  return createTable(connection, name, {
    description,
    schema: { fields: [...fields] },
    ...(partition ? { timePartitioning: { type: 'DAY', field: partition } } : {}),
    ...(cluster ? { clustering: { fields: [...cluster] } } : {}),
  });
}

async function makeView(connection: Connection, name: string, query: string): Promise<void> {
  await createTable(connection, name, { view: { query, useLegacySql: false } });
  // Where the view was there, it may be an older one.
  await connection.dataset
    .table(connection.tableId(name))
    .setMetadata({ view: { query, useLegacySql: false } });
}

/** A table that BigQuery deletes by itself after a while. Free of charge; one that is there stays. */
export const makeStaging = (
  connection: Connection,
  name: string,
  fields: readonly TableField[],
  lifetimeMs: number,
) =>
  createTable(connection, name, {
    description: 'Rows on their way into another table.',
    ...(fields.length ? { schema: { fields: [...fields] } } : {}),
    expirationTime: String(Date.now() + lifetimeMs),
  });

/** Steps from an empty dataset to the present tables. Each may be repeated; none is ever changed, a change is a new one. */
const MIGRATIONS: readonly {
  readonly name: string;
  /** @param operation what the jobs of this migration of these tables are named by */
  run(connection: Connection, jobs: Jobs, operation: readonly unknown[]): Promise<void>;
}[] = [
  {
    name: 'campaigns',
    async run(connection) {
      for (const name of ['applied', 'measurements', 'batches', 'picks'] as const)
        await makeTable(connection, name);
    },
  },
  {
    name: 'dataset versions',
    async run(connection) {
      for (const name of ['dataset_rows', 'molecules', 'quarantine'] as const)
        await makeTable(connection, name);
    },
  },
  {
    name: 'standing measurements',
    run: (connection) => makeView(connection, 'standing_measurements', standingView(connection)),
  },
  {
    name: 'property of measurements',
    async run(connection, jobs, operation) {
      const table = connection.sqlName('measurements');
      await jobs.statement(
        [...operation, 'column'],
        `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS property STRING`,
        {},
      );
      // A view keeps the columns that there were when it was made.
      await makeView(connection, 'standing_measurements', standingView(connection));
    },
  },
];

/** When a table was made, ms since the epoch: a table that is deleted and made again is another one. */
export async function birthOf(connection: Connection, name: TableName): Promise<string> {
  try {
    const [metadata] = await connection.dataset.table(connection.tableId(name)).getMetadata();
    return String((metadata as TableMetadata).creationTime);
  } catch (error) {
    throw asWarehouseError(error, `BigQuery table ${connection.sqlName(name)}`);
  }
}

/**
 * Brings the dataset to the present schema.
 * @returns whether there was one before.
 * @throws TitrateError config-invalid when a newer titrate made the tables.
 */
export async function migrate(connection: Connection, jobs: Jobs): Promise<boolean> {
  const { dataset, options, sqlName } = connection;
  const where = `BigQuery dataset ${options.projectId}.${options.dataset}`;
  try {
    const [exists] = await dataset.exists();
    if (!exists) {
      await dataset
        .create({ location: options.location, labels: { ...options.labels } })
        .catch((error: BigQueryFailure) => (error.code === 409 ? undefined : Promise.reject(error as Error)));
    }
  } catch (error) {
    throw asWarehouseError(error, where);
  }
  await makeTable(connection, 'schema_migrations');
  const done = await connection.select<{ number: number }>(
    `SELECT DISTINCT number FROM ${sqlName('schema_migrations')} ORDER BY number`,
  );
  const last = done.at(-1)?.number ?? 0;
  if (last > MIGRATIONS.length) {
    throw new TitrateError('config-invalid', {
      what: `the tables are of schema ${last}, and this titrate knows ${MIGRATIONS.length}`,
      where,
      remedy: 'Run the newer titrate, or give this one a prefix of its own',
    });
  }
  // The table's own birth is part of the operation: tables that were deleted and made again are migrated again.
  const birth = await birthOf(connection, 'schema_migrations');
  for (const [at, migration] of MIGRATIONS.entries()) {
    if (at + 1 <= last) continue;
    const operation = ['migration', where, sqlName('schema_migrations'), birth, at + 1];
    await migration.run(connection, jobs, operation);
    await jobs.statement(
      operation,
      `MERGE ${sqlName('schema_migrations')} T USING (SELECT @number AS number, @name AS name) S ON T.number = S.number
       WHEN NOT MATCHED THEN INSERT (number, name, applied_at) VALUES (S.number, S.name, CURRENT_TIMESTAMP())`,
      { number: at + 1, name: migration.name },
    );
  }
  return last > 0;
}
