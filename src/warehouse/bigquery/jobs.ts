import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, JobMetadata, TableField } from '@google-cloud/bigquery';
import { TitrateError } from '../../contracts';
import { hashOf } from '../../foundation';
import { guarded, type Connection, type Params } from './client';
import { asWarehouseError, passes, type BigQueryFailure } from './errors';

/** What a load job reads: rows given here, a local file, or objects that BigQuery reads itself. */
export type LoadSource =
  { readonly rows: readonly unknown[] } | { readonly file: string } | { readonly uri: string };

export type LoadFormat =
  | { readonly sourceFormat: 'PARQUET' }
  | {
      readonly sourceFormat: 'NEWLINE_DELIMITED_JSON';
      readonly schema: { fields: TableField[] };
      readonly ignoreUnknownValues?: boolean;
    };

/** Attempts that this call may start, besides failed ones of others that it finds. */
const OWN_ATTEMPTS = 5;
/** Longest pause between two looks at a job, ms. */
const LOOK_EVERY = 2000;

type Configuration = NonNullable<JobMetadata['configuration']>;
type Settled = { readonly failure: BigQueryFailure | null; readonly found: boolean };

/** `titrate_<hash of the operation>_<attempt>`: the same operation has the same ids in every process. */
export const jobId = (operation: readonly unknown[], attempt: number): string =>
  `titrate_${hashOf(operation).slice(0, 40)}_${attempt}`;

/**
 * Jobs that change something. The id of a job is made from what it does, so of any number of processes, or tries after a kill, one
 * starts it and the others find it (409), wait for it and take its outcome for theirs. That is what makes an operation happen
 * once: two MERGE statements that only insert do not exclude each other. A failed job's id is used up; the next attempt has the
 * next number, again the same for all.
 */
export function createJobs(connection: Connection) {
  const { bigquery, options } = connection;
  const { projectId, location, labels } = options;

  /** @param own whether this call started it: what it bills is told once */
  async function wait(job: Job, own: boolean): Promise<BigQueryFailure | null> {
    // A short job may be told as done in the answer to its start.
    let status = (job.metadata as JobMetadata | undefined)?.status;
    for (let pause = 20; ; pause = Math.min(LOOK_EVERY, pause * 1.6)) {
      if (status?.state !== 'DONE') [{ status }] = (await job.getMetadata()) as unknown as [JobMetadata];
      if (status?.state === 'DONE') {
        const { query } = (job.metadata as JobMetadata | undefined)?.statistics ?? {};
        if (own && query?.totalBytesBilled) options.onBilled?.(Number(query.totalBytesBilled));
        return status.errorResult
          ? { errors: [status.errorResult], message: status.errorResult.message }
          : null;
      }
      await sleep(pause);
    }
  }

  /** Starts a job, or finds it, and waits for its end. Rejects only when no job came of it. */
  async function settle(id: string, start: () => Promise<Job>): Promise<Settled> {
    try {
      return { failure: await wait(await start(), true), found: false };
    } catch (error) {
      const failure = error as BigQueryFailure;
      if (failure.code === 409)
        return { failure: await wait(bigquery.job(id, { location }), false), found: true };
      // A job that failed at once is told as an error without a status.
      if (failure.code === undefined && failure.errors?.length) return { failure, found: false };
      throw error;
    }
  }

  /**
   * Runs an operation once.
   * @param holds asked where another's job is found done: whether what it did is still there. Default: it is.
   * @throws TitrateError, after OWN_ATTEMPTS where the trouble may pass.
   */
  async function once(
    operation: readonly unknown[],
    start: (id: string) => Promise<Job>,
    holds: () => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<void> {
    let own = 0;
    for (let attempt = 1; ; attempt++) {
      const id = jobId(operation, attempt);
      const where = `BigQuery job ${projectId}:${location}.${id}`;
      let settled: Settled;
      try {
        settled = await settle(id, () => start(id));
      } catch (error) {
        if (!passes(error as BigQueryFailure) || ++own >= OWN_ATTEMPTS) throw asWarehouseError(error, where);
        // Whether the request arrived is not known: the same id finds out.
        await sleep(2 ** own * 100);
        attempt--;
        continue;
      }
      const { failure, found } = settled;
      if (!failure) {
        if (!found || (await holds())) return;
        continue;
      }
      if (found) continue;
      if (!passes(failure) || ++own >= OWN_ATTEMPTS) throw asWarehouseError(failure, where);
      await sleep(2 ** own * 100);
    }
  }

  const create = async (id: string, configuration: Configuration): Promise<Job> => {
    const [job] = await bigquery.createJob({
      configuration: { ...configuration, labels },
      jobId: id,
      location,
    });
    return job;
  };

  /** Sends the bytes with the job, in one request. */
  async function upload(id: string, configuration: Configuration, bytes: Readable): Promise<Job> {
    const metadata = {
      configuration: { ...configuration, labels },
      jobReference: { projectId, jobId: id, location },
    };
    const request = {
      method: 'POST',
      uri: `${bigquery.apiEndpoint}/upload/bigquery/v2/projects/${projectId}/jobs`,
      qs: { uploadType: 'multipart' },
      // A stream can be sent once; trying again is up to the caller.
      maxRetries: 0,
      multipart: [
        { 'Content-Type': 'application/json', body: JSON.stringify(metadata) },
        { 'Content-Type': 'application/octet-stream', body: bytes },
      ],
    };
    const answer = await new Promise<JobMetadata>((resolve, reject) => {
      bytes.once('error', reject);
      bigquery.request(request as unknown as Parameters<typeof bigquery.request>[0], (error, body) =>
        error ? reject(error) : resolve(body as JobMetadata),
      );
    });
    const reference = answer.jobReference;
    const job = bigquery.job(reference?.jobId ?? id, { location: reference?.location ?? location });
    job.metadata = answer;
    return job;
  }

  return {
    once,

    /** A statement that changes tables, once. */
    statement(operation: readonly unknown[], sql: string, params: Params): Promise<void> {
      return once(operation, async (id) => {
        const [job] = await bigquery.createQueryJob({ ...guarded(options, sql, params), labels, jobId: id });
        return job;
      });
    },

    /**
     * Fills a staging table from `source`, once, whatever it held.
     * @param make makes the table, where it is missing
     * @throws TitrateError source-unreadable when what is loaded does not fit.
     */
    async load(
      operation: readonly unknown[],
      table: string,
      make: () => Promise<void>,
      source: LoadSource,
      format: LoadFormat,
    ): Promise<void> {
      const tableId = connection.tableId(table);
      const destinationTable = { projectId, datasetId: options.dataset, tableId };
      const load = { destinationTable, writeDisposition: 'WRITE_TRUNCATE', ...format };
      const start = async (id: string): Promise<Job> => {
        await make();
        if ('uri' in source) return create(id, { load: { ...load, sourceUris: [source.uri] } });
        const bytes = 'file' in source ? createReadStream(source.file) : Readable.from(lines(source.rows));
        return upload(id, { load }, bytes);
      };
      try {
        // A job found done filled the table once; it may have gone since.
        await once(operation, start, async () => (await connection.dataset.table(tableId).exists())[0]);
      } catch (error) {
        if (!(error instanceof TitrateError && error.code === 'internal')) throw error;
        const remedy = 'See the errors of the job in the console';
        throw new TitrateError('source-unreadable', { ...error.parts, remedy }, { cause: error });
      }
    },
  };
}

function* lines(rows: readonly unknown[]): Generator<Buffer> {
  for (const row of rows)
    yield Buffer.from(`${JSON.stringify(row)}
`);
}
export type Jobs = ReturnType<typeof createJobs>;
