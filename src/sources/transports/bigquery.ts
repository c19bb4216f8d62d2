import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BigQuery, Job, TableMetadata } from '@google-cloud/bigquery';
import { TitrateError, type SourceSpec } from '../../contracts';
import { hashOf } from '../../foundation';
import { explainCloudError, httpStatus } from './cloud-errors';
import { cancelWith, pause, throwIfAborted, type SourceTransport } from './transport';

export interface BigQuerySourceOptions {
  /** Project that runs and pays for the queries. Default: the one of the uri. */
  readonly projectId?: string;
  /** Another server than bigquery.googleapis.com. Credentials go to https endpoints only. */
  readonly endpoint?: string;
  /** Region of the jobs. Default: that of the tables. */
  readonly location?: string;
  /** A query that would read more fails before it costs anything. Bytes. */
  readonly maximumBytesBilled?: number;
  /** Put on every job, beside `titrate: landing`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether the job is to go on when a signal fires, by its reason: the call is made again and finds it. Default: it is cancelled. */
  readonly keepJobOn?: (reason: unknown) => boolean;
  /** Rows fetched at a time. */
  readonly pageRows?: number;
}

/** 100 GiB. */
export const DEFAULT_MAXIMUM_BYTES_BILLED = 100 * 2 ** 30;
const DEFAULT_PAGE_ROWS = 10_000;
/** Results of a query are kept for about a day; a job that old is not gone back to. ms. */
const RESULTS_GOOD_FOR_MS = 12 * 3600 * 1000;
const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 5000;
const ROLES = 'the roles BigQuery Data Viewer on the tables and BigQuery Job User on the project';

const BQ_URI = /^bq:\/\/([A-Za-z0-9:_-]+(?:\.[a-z]+:[A-Za-z0-9-]+)?)(?:\.(\w+)\.([\p{L}\p{N}_ -]+))?$/u;

/** Of a client that sends none: what its library asks of credentials. */
const NO_CREDENTIALS = { getRequestHeaders: () => Promise.resolve(new Headers()) };

interface TableName {
  readonly projectId: string;
  readonly datasetId: string;
  readonly tableId: string;
}

/** What is to be read, as SQL: one column `record`, one JSON object a row, in an order that depends on the rows alone. */
interface Reading {
  readonly project: string;
  readonly sql: string;
  readonly table: TableName | null;
}

/** What a dry run tells of a statement. */
interface QueryStatistics {
  readonly statementType?: string;
  readonly referencedTables?: TableName[];
}

function parseBqSource({ uri, query }: SourceSpec): Reading {
  const refuse = (what: string) =>
    new TitrateError('config-invalid', {
      what,
      where: uri,
      remedy: "Write bq://project.dataset.table, or bq://project with the SQL in 'query'",
    });
  const match = BQ_URI.exec(uri);
  if (!match) throw refuse('this names neither a table nor a project');
  const [, projectId, datasetId, tableId] = match as unknown as [string, string, string?, string?];
  if (tableId !== undefined && query !== undefined) throw refuse("there is both a table and a 'query'");
  if (tableId === undefined && query === undefined) throw refuse("there is no table and no 'query'");
  const table = tableId === undefined ? null : { projectId, datasetId: datasetId!, tableId };
  // On a line of its own, so that a comment at the end of a query ends there.
  const from = table
    ? `\`${projectId}.${datasetId}.${tableId}\``
    : `(\n${query!.trim().replace(/(?:\s*;)+$/, '')}\n)`;
  return {
    project: projectId,
    table,
    sql: `SELECT TO_JSON_STRING(t) AS record FROM ${from} AS t ORDER BY record`,
  };
}

/** State of a table, as far as it is known to change with the rows; null where rows may come in unseen. */
function stateOf(metadata: TableMetadata): string | null {
  if (metadata.type !== 'TABLE' || metadata.streamingBuffer) return null;
  const { etag, lastModifiedTime, numRows, numBytes } = metadata as Record<string, string | undefined>;
  return etag ? [etag, lastModifiedTime, numRows, numBytes].join(' ') : null;
}

async function* recordsOf(
  job: Job,
  pageRows: number,
  where: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  let pageToken: string | undefined;
  do {
    throwIfAborted(signal, where);
    let rows: { record: string }[];
    try {
      const page = await job.getQueryResults({ autoPaginate: false, maxResults: pageRows, pageToken });
      rows = page[0] as { record: string }[];
      pageToken = (page[1] as { pageToken?: string } | null)?.pageToken;
    } catch (error) {
      throw explainCloudError(error, where, ROLES);
    }
    if (rows.length > 0) yield Buffer.from(rows.map(({ record }) => `${record}\n`).join(''), 'utf8');
  } while (pageToken !== undefined);
}

/**
 * Rows of a BigQuery table, view or query as NDJSON: an object a row with the columns in their order, rows in the order of that
 * text, so that the same rows give the same bytes. One query job reads them; its id follows from the SQL and the state of the tables it
 * reads, so that a call repeated after a kill finds the job again and pays once. Where the state of a table cannot be known (views,
 * external tables, rows being streamed in) every call runs its own job.
 */
export function createBigQueryTransport(options: BigQuerySourceOptions = {}): SourceTransport {
  const { endpoint, location, labels, maximumBytesBilled = DEFAULT_MAXIMUM_BYTES_BILLED } = options;
  const clients = new Map<string, Promise<BigQuery>>();
  /** The client library is large: it is loaded on first use. */
  const connect = (projectId: string) => {
    let client = clients.get(projectId);
    if (!client) {
      client = import('@google-cloud/bigquery').then(
        ({ BigQuery: Client }) =>
          new Client({
            projectId,
            location,
            ...(endpoint && { apiEndpoint: endpoint }),
            ...(endpoint?.startsWith('http:') && { authClient: NO_CREDENTIALS }),
          } as ConstructorParameters<typeof Client>[0]),
      );
      clients.set(projectId, client);
    }
    return client;
  };

  /** Version of everything a query reads; null where it cannot be known. */
  async function stateOfTables(client: BigQuery, { sql, table }: Reading): Promise<string | null> {
    const [dry] = await client.createQueryJob({ query: sql, dryRun: true, useLegacySql: false });
    const { statementType, referencedTables: read } =
      (dry.metadata as { statistics?: { query?: QueryStatistics } }).statistics?.query ?? {};
    // A text that closes our parenthesis could go on with statements of its own, under the rights of whoever runs this.
    if (statementType !== undefined && statementType !== 'SELECT') {
      throw new TitrateError('config-invalid', {
        what: `the query is a ${statementType}, and a source may only read`,
        where: table ? sql : 'query',
        remedy: 'Give one SELECT statement',
      });
    }
    const tables = read?.length ? read : table ? [table] : [];
    const states: string[] = [];
    for (const { projectId, datasetId, tableId } of tables) {
      const [metadata] = await client.dataset(datasetId, { projectId }).table(tableId).getMetadata();
      const state = stateOf(metadata as TableMetadata);
      if (state === null) return null;
      states.push(`${projectId}.${datasetId}.${tableId} ${state}`);
    }
    return states.length ? hashOf(states.sort()) : null;
  }

  /** Starts a job, or finds the one an earlier call has started. */
  async function startJob(client: BigQuery, sql: string, state: string | null): Promise<Job> {
    for (let attempt = 0; ; attempt++) {
      const unique = state === null ? randomUUID() : attempt === 0 ? state : `${state} ${attempt}`;
      const jobId = `titrate_landing_${hashOf([sql, unique]).slice(0, 40)}`;
      try {
        const [job] = await client.createQueryJob({
          ...{ query: sql, useLegacySql: false, jobId, location },
          maximumBytesBilled: String(maximumBytesBilled),
          labels: { ...labels, titrate: 'landing' },
        });
        return job;
      } catch (error) {
        if (httpStatus(error) !== 409) throw error;
      }
      const job = client.job(jobId, { location });
      const [{ status, statistics }] = (await job.getMetadata()) as [Job['metadata'], unknown];
      const age = Date.now() - Number(statistics?.endTime ?? Date.now());
      if (!status?.errorResult && age < RESULTS_GOOD_FOR_MS) return job;
    }
  }

  async function finished(job: Job, where: string, signal?: AbortSignal): Promise<void> {
    for (let wait = FIRST_POLL_MS; ; wait = Math.min(LONGEST_POLL_MS, wait * 2)) {
      const [{ status }] = (await job.getMetadata()) as [Job['metadata'], unknown];
      if (status?.state === 'DONE') {
        if (!status.errorResult) return;
        throw Object.assign(new Error(status.errorResult.message), { errors: [status.errorResult] });
      }
      try {
        await pause(wait, signal, where);
      } catch (error) {
        if (!options.keepJobOn?.(signal?.reason)) await job.cancel().catch(() => undefined);
        throw error;
      }
    }
  }

  return {
    kind: 'bq',
    resumable: false,
    accepts: (uri) => /^bq:\/\//i.test(uri),
    async open(source, { signal }) {
      const reading = parseBqSource(source);
      throwIfAborted(signal, source.uri);
      try {
        const client = await connect(options.projectId ?? reading.project);
        const state = await stateOfTables(client, reading);
        const job = await startJob(client, reading.sql, state);
        await finished(job, source.uri, signal);
        const pages = recordsOf(job, options.pageRows ?? DEFAULT_PAGE_ROWS, source.uri, signal);
        const stream = cancelWith(Readable.from(pages, { objectMode: false }), signal, source.uri);
        return {
          stream,
          version: state === null ? `job ${job.id}` : `tables ${state.slice(0, 32)}`,
          start: 0,
        };
      } catch (error) {
        throw explainCloudError(error, source.uri, ROLES);
      }
    },
  };
}
