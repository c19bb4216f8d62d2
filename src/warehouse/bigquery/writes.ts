import type { TableField, TableMetadata } from '@google-cloud/bigquery';
import type { DatasetVersion } from '../../contracts';
import { hashOf } from '../../foundation';
import type { LogName, WarehouseIndex } from '../warehouse-index';
import type { Connection } from './client';
import { asWarehouseError } from './errors';
import type { Jobs, LoadFormat, LoadSource } from './jobs';
import {
  DATASET_COLUMNS,
  makeStaging,
  MEASUREMENT_FIELDS,
  PICK_FIELDS,
  QUARANTINE_FIELDS,
  type TableName,
} from './schema';

/** Staging tables that a killed process left are deleted by BigQuery after this long, ms. */
const STAGING_LIFETIME_MS = 24 * 3600 * 1000;
/** `log` of the row of `applied` that says a dataset version is in; its `campaign_id` is the version's id. */
export const DATASET_LOG = 'dataset';

type Entry = { readonly campaignId: string; readonly number: number; readonly sha256: string };

const namesOf = (fields: readonly TableField[]) => fields.map(({ name }) => name!);
/** Column of QuarantineRow for a column of the table: `sourceSha256` for `source_sha256`. */
const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const ndjson = (fields: readonly TableField[], ignoreUnknownValues = false): LoadFormat => ({
  sourceFormat: 'NEWLINE_DELIMITED_JSON',
  schema: { fields: [...fields] },
  ignoreUnknownValues,
});

/**
 * Writes of the index. Rows go by a load job into a staging table of their own, from there by one MERGE into their table, and the last
 * statement says in `applied` that the entry is in. Killed anywhere, the same call again goes on where it stopped.
 */
export function createWrites(connection: Connection, jobs: Jobs) {
  const { options, sqlName } = connection;
  const scope = [options.projectId, options.dataset, options.prefix ?? ''];

  const markApplied = (
    operation: readonly unknown[],
    id: string,
    log: string,
    number: number,
    sha256: string,
  ) =>
    jobs.statement(
      [...operation, 'applied'],
      `MERGE ${sqlName('applied')} T
       USING (SELECT @id AS campaign_id, @log AS log, @number AS number, @sha256 AS sha256) S
       ON T.campaign_id = @id AND T.campaign_id = S.campaign_id AND T.log = S.log AND T.number = S.number
       WHEN NOT MATCHED THEN INSERT (campaign_id, log, number, sha256) VALUES (S.campaign_id, S.log, S.number, S.sha256)`,
      { id, log, number, sha256 },
    );

  /** Runs `merge` with the rows of `source` in a table of that name in SQL; afterwards the table is gone. */
  async function staged(
    operation: readonly unknown[],
    source: LoadSource,
    format: LoadFormat,
    fields: readonly TableField[],
    merge: (staging: string, columns: ReadonlySet<string>) => Promise<void>,
  ): Promise<void> {
    const name = `staging_${hashOf(operation).slice(0, 32)}`;
    const table = connection.dataset.table(connection.tableId(name));
    const make = () => makeStaging(connection, name, fields, STAGING_LIFETIME_MS);
    await jobs.load([...operation, 'load'], name, make, source, format);
    let columns = fields;
    if (format.sourceFormat === 'PARQUET') {
      // The file says which columns there are.
      const [metadata] = await table.getMetadata().catch((error: unknown) => {
        throw asWarehouseError(error, `BigQuery table ${sqlName(name)}`);
      });
      columns = (metadata as TableMetadata).schema?.fields ?? [];
    }
    await merge(sqlName(name), new Set(columns.map((column) => column.name!.toLowerCase())));
    // Left behind, it is deleted by itself.
    await table.delete({ ignoreNotFound: true }).catch(() => undefined);
  }

  /** Appends staged rows that the target has not, told by `keys`; of staged rows with the same keys the first in `order`. */
  function append(
    operation: readonly unknown[],
    target: TableName,
    staging: string,
    shape: {
      fields: readonly TableField[];
      keys: readonly string[];
      order: string;
      extra?: Record<string, string>;
    },
    campaignId: string,
  ): Promise<void> {
    const { keys, order, extra = {} } = shape;
    const names = namesOf(shape.fields);
    const equal = keys.map((key) => `T.${key} = S.${key}`).join(' AND ');
    return jobs.statement(
      [...operation, target],
      `MERGE ${sqlName(target)} T
       USING (
         SELECT * FROM ${staging} WHERE TRUE
         QUALIFY ROW_NUMBER() OVER (PARTITION BY ${keys.join(', ')} ORDER BY ${order}) = 1
       ) S
       ON T.campaign_id = @campaign AND ${equal}
       WHEN NOT MATCHED THEN INSERT (${[...names, ...Object.keys(extra)].join(', ')})
       VALUES (${[...names.map((name) => `S.${name}`), ...Object.values(extra)].join(', ')})`,
      { campaign: campaignId },
    );
  }

  /** Makes a version's rows of a table exactly those of `select`: whatever was there of the version goes, in the same statement. */
  function replaceVersion(
    operation: readonly unknown[],
    target: 'dataset_rows' | 'quarantine',
    names: readonly string[],
    select: string,
    version: DatasetVersion,
  ): Promise<void> {
    return jobs.statement(
      [...operation, target],
      `MERGE ${sqlName(target)} T USING (${select}) S ON FALSE
       WHEN NOT MATCHED BY SOURCE AND T.committed_on = CAST(@day AS DATE) AND T.dataset_version = @version THEN DELETE
       WHEN NOT MATCHED BY TARGET THEN INSERT (dataset_version, committed_on, ${names.join(', ')})
       VALUES (@version, CAST(@day AS DATE), ${names.map((name) => `S.${name}`).join(', ')})`,
      { version: version.id, day: version.createdAt.slice(0, 10) },
    );
  }

  const operationOf = (generation: string, log: LogName, { campaignId, number, sha256 }: Entry) => [
    ...scope,
    generation,
    log,
    campaignId,
    number,
    sha256,
  ];

  return {
    markApplied,

    async results(entry: Parameters<WarehouseIndex['applyResults']>[0], generation: string): Promise<void> {
      const operation = operationOf(generation, 'results', entry);
      const rows = entry.rows.map((row, i) => ({
        campaign_id: entry.campaignId,
        result_id: row.resultId,
        position: entry.before + i + 1,
        chunk: entry.number,
        molecule_id: row.moleculeId,
        standard_smiles: row.standardSmiles,
        inchi_key: row.inchiKey,
        outcome: row.outcome,
        value: row.value,
        qualifier: row.qualifier,
        batch_id: row.batchId,
        replaces: row.replaces,
        property: row.property,
        content: JSON.stringify(row),
      }));
      const shape = {
        fields: MEASUREMENT_FIELDS,
        keys: ['campaign_id', 'result_id'],
        order: 'position',
        extra: { indexed_on: 'CURRENT_DATE()' },
      };
      await staged(operation, { rows }, ndjson(MEASUREMENT_FIELDS), MEASUREMENT_FIELDS, (staging) =>
        append(operation, 'measurements', staging, shape, entry.campaignId),
      );
      await markApplied(operation, entry.campaignId, 'results', entry.number, entry.sha256);
    },

    async opening(entry: Parameters<WarehouseIndex['applyOpening']>[0], generation: string): Promise<void> {
      const operation = operationOf(generation, 'openings', entry);
      const { campaignId, batchId, round, afterChunks } = entry;
      const rows = entry.picks.map(({ moleculeId, smiles }) => ({
        ...{ campaign_id: campaignId, batch_id: batchId, molecule_id: moleculeId, smiles },
      }));
      const shape = {
        fields: PICK_FIELDS,
        keys: ['campaign_id', 'batch_id', 'molecule_id'],
        order: 'smiles',
      };
      if (rows.length) {
        await staged(operation, { rows }, ndjson(PICK_FIELDS), PICK_FIELDS, (staging) =>
          append(operation, 'picks', staging, shape, campaignId),
        );
      }
      await jobs.statement(
        [...operation, 'batches'],
        `MERGE ${sqlName('batches')} T
         USING (SELECT @campaign AS campaign_id, @batch AS batch_id, @round AS round, @after AS after_chunks) S
         ON T.campaign_id = @campaign AND T.campaign_id = S.campaign_id AND T.batch_id = S.batch_id
         WHEN NOT MATCHED THEN INSERT (campaign_id, batch_id, round, after_chunks)
         VALUES (S.campaign_id, S.batch_id, S.round, S.after_chunks)`,
        { campaign: campaignId, batch: batchId, round, after: afterChunks },
      );
      await markApplied(operation, campaignId, 'openings', entry.number, entry.sha256);
    },

    /** Rows from Parquet, distinct molecules, quarantine; BigQuery reads the objects itself where it can. */
    async dataset(version: DatasetVersion, birth: string): Promise<void> {
      const operation = [...scope, birth, DATASET_LOG, version.id];
      const sourceOf = async ({ sha256 }: { sha256: string }): Promise<LoadSource> => {
        const uri = options.objects.externalUri(sha256);
        return uri === null ? { file: await options.objects.localPath({ sha256 }) } : { uri };
      };
      const columnsOf = DATASET_COLUMNS.map(([, name, type]): TableField => ({
        name,
        type,
        mode: 'NULLABLE',
      }));
      await staged(
        operation,
        await sourceOf(version.rows),
        { sourceFormat: 'PARQUET' },
        columnsOf,
        async (staging, columns) => {
          // A version made before a column existed has no such column.
          const select = DATASET_COLUMNS.map(([name, from, type]) =>
            columns.has(from.toLowerCase())
              ? `CAST(\`${from}\` AS ${type}) AS ${name}`
              : `CAST(NULL AS ${type}) AS ${name}`,
          );
          const names = DATASET_COLUMNS.map(([name]) => name);
          await replaceVersion(
            operation,
            'dataset_rows',
            names,
            `SELECT ${select.join(', ')} FROM ${staging}`,
            version,
          );
          await jobs.statement(
            [...operation, 'molecules'],
            `MERGE ${sqlName('molecules')} T
           USING (
             SELECT \`moleculeId\` AS molecule_id, MIN(\`smiles\`) AS smiles, MIN(\`inchiKey\`) AS inchi_key
             FROM ${staging} GROUP BY 1
           ) S
           ON T.molecule_id = S.molecule_id
           WHEN NOT MATCHED THEN INSERT (molecule_id, smiles, inchi_key) VALUES (S.molecule_id, S.smiles, S.inchi_key)`,
            {},
          );
        },
      );
      if (version.quarantine.bytes > 0) {
        const names = namesOf(QUARANTINE_FIELDS);
        const fields = QUARANTINE_FIELDS.map((column) => ({ ...column, name: camel(column.name!) }));
        const select = names.map((name) => `\`${camel(name)}\` AS ${name}`).join(', ');
        const source = await sourceOf(version.quarantine);
        await staged([...operation, 'quarantine rows'], source, ndjson(fields, true), fields, (staging) =>
          replaceVersion(operation, 'quarantine', names, `SELECT ${select} FROM ${staging}`, version),
        );
      }
      await markApplied(operation, version.id, DATASET_LOG, 1, version.rowsSha256);
    },

    /** Empties what campaigns wrote, for the `number`th time. Dataset versions stay: they are never wrong. */
    async reset(number: number, birth: string): Promise<void> {
      const operation = [...scope, birth, 'reset', number];
      // Begun and done are told apart, so that one that was killed half-way is known and done again.
      await markApplied([...operation, 'begin'], '', 'reset-begun', number, '');
      const empty = (target: TableName, where: string) =>
        jobs.statement([...operation, target], `DELETE FROM ${sqlName(target)} WHERE ${where}`, {});
      await empty('applied', `log IN ('results', 'openings')`);
      for (const target of ['measurements', 'batches', 'picks'] as const) await empty(target, 'TRUE');
      await markApplied([...operation, 'end'], '', 'reset-done', number, '');
    },
  };
}
