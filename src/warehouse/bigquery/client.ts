import type { BigQuery, Dataset, Query } from '@google-cloud/bigquery';
import { asWarehouseError } from './errors';
import type { BigQueryIndexOptions } from './options';

const MIB = 2 ** 20;

export type Params = Readonly<Record<string, string | number | readonly string[]>>;

/** A connection to one dataset: names, queries under the cost guard, and what jobs are made with. */
export interface Connection {
  readonly bigquery: BigQuery;
  readonly dataset: Dataset;
  readonly options: BigQueryIndexOptions;
  /** Name of a table, with the prefix. */
  tableId(name: string): string;
  /** A table in SQL, quoted. */
  sqlName(name: string): string;
  /** A SELECT with named parameters. Rows whole, in order. @throws TitrateError. */
  select<Row>(sql: string, params?: Params): Promise<Row[]>;
}

/** The client is loaded here, on the way to the first use: it costs a second of start-up that a laptop need not pay. */
export async function connect(options: BigQueryIndexOptions): Promise<Connection> {
  const { projectId, location, endpoint, labels } = options;
  const { BigQuery } = await import('@google-cloud/bigquery');
  const bigquery = new BigQuery({
    projectId,
    location,
    ...(endpoint ? { apiEndpoint: endpoint } : {}),
    ...(endpoint?.startsWith('http:') ? { authClient: withoutCredentials(projectId) } : {}),
  } as ConstructorParameters<typeof BigQuery>[0]);
  const dataset = bigquery.dataset(options.dataset);
  const tableId = (name: string) => `${options.prefix ?? ''}${name}`;
  return {
    bigquery,
    dataset,
    options,
    tableId,
    sqlName: (name) => `\`${projectId}.${options.dataset}.${tableId(name)}\``,
    async select<Row>(sql: string, params: Params = {}) {
      try {
        const [job] = await bigquery.createQueryJob({ ...guarded(options, sql, params), labels });
        const [rows, , answer] = await job.getQueryResults();
        options.onBilled?.(billed(answer));
        return rows as Row[];
      } catch (error) {
        throw asWarehouseError(error, `BigQuery dataset ${projectId}.${options.dataset}`);
      }
    },
  };
}

/** What every query carries: the text, its parameters with their types, and the most it may bill. */
export function guarded(options: BigQueryIndexOptions, query: string, params: Params): Query {
  const lists = Object.entries(params).filter(([, value]) => Array.isArray(value));
  return {
    query,
    params: { ...params },
    // An empty list has no type that could be guessed.
    types: Object.fromEntries(lists.map(([name]) => [name, ['STRING']])),
    maximumBytesBilled: String(options.maximumBytesBilled),
  };
}

/** BigQuery bills whole MiB of what it read, at least ten, and nothing for an answer that it still had. */
function billed(answer: object | null | undefined): number {
  const { totalBytesBilled, totalBytesProcessed, cacheHit } = (answer ?? {}) as Record<string, unknown>;
  if (totalBytesBilled !== undefined) return Number(totalBytesBilled);
  if (cacheHit === true || !totalBytesProcessed) return 0;
  return Math.max(10, Math.ceil(Number(totalBytesProcessed) / MIB)) * MIB;
}

const withoutCredentials = (projectId: string) => ({
  getRequestHeaders: () => Promise.resolve(new Headers()),
  getProjectId: () => Promise.resolve(projectId),
});
