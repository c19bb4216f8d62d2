import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface JobRequest {
  readonly id: string;
  readonly configuration: {
    readonly labels?: Record<string, string>;
    readonly query?: {
      readonly query: string;
      readonly maximumBytesBilled?: string;
      readonly parameterMode?: string;
    };
    readonly load?: {
      readonly destinationTable: { readonly tableId: string };
      readonly sourceUris?: string[];
    };
  };
  /** Whether the job was started; else its id was taken (409). */
  readonly started: boolean;
}

export interface RecordingProxy {
  readonly endpoint: string;
  readonly jobs: JobRequest[];
  /** Bodies of the requests that made tables. */
  readonly tables: {
    readonly tableReference: { readonly tableId: string };
    readonly expirationTime?: string;
  }[];
  /** The next job whose text matches ends at once with this error, without having been run. */
  failNext(pattern: RegExp, error: { reason: string; message: string }): void;
  stop(): Promise<void>;
}

/**
 * Stands before a BigQuery server, writes down every job and gives job ids the meaning they have at Google: of a project's jobs each
 * has one of its own, a second job of the same id is refused with 409, and a job can be asked for by it.
 */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const jobs: JobRequest[] = [];
  const tables: RecordingProxy['tables'] = [];
  const known = new Map<string, unknown>();
  const failures: { pattern: RegExp; error: { reason: string; message: string } }[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const send = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const url = request.url!;
    const asked = /\/jobs\/([^/?]+)(?:\?.*)?$/.exec(url)?.[1];
    if (request.method === 'GET' && asked && known.has(asked)) return send(200, known.get(asked));

    if (request.method === 'POST' && /\/tables(?:\?.*)?$/.test(url))
      tables.push(JSON.parse(body.toString('utf8')) as (typeof tables)[number]);
    const inserting = request.method === 'POST' && /\/projects\/[^/]+\/jobs(?:\?.*)?$/.test(url);
    let id: string | undefined;
    if (inserting) {
      const text = body.toString('utf8');
      const json = url.startsWith('/upload/') ? /\r\n\r\n(\{.*\})\r\n--/.exec(text)![1]! : text;
      const job = JSON.parse(json) as JobRequest & { jobReference: { jobId: string } };
      id = job.jobReference.jobId;
      const started = !known.has(id);
      jobs.push({ id, configuration: job.configuration, started });
      // From here on the id is taken, also while the job still runs.
      if (started) known.set(id, { jobReference: job.jobReference, status: { state: 'RUNNING' } });
      if (!started) {
        const message = `Already Exists: Job ${id}`;
        return send(409, { error: { code: 409, message, errors: [{ reason: 'duplicate', message }] } });
      }
      const at = failures.findIndex(({ pattern }) => pattern.test(json));
      if (at >= 0) {
        const [{ error }] = failures.splice(at, 1) as [(typeof failures)[number]];
        const failed = {
          jobReference: job.jobReference,
          configuration: job.configuration,
          status: { state: 'DONE', errorResult: error, errors: [error] },
        };
        known.set(id, failed);
        return send(200, failed);
      }
    }
    const headers = Object.entries(request.headers).filter(
      ([name]) => !/^(host|connection|content-length|transfer-encoding)$/.test(name),
    );
    const reply = await fetch(target + url, {
      method: request.method!,
      headers: Object.fromEntries(headers) as Record<string, string>,
      ...(body.length ? { body } : {}),
    });
    const text = await reply.text();
    if (id && reply.ok) {
      // An upload's job has an id of the server's own: it is told by the one that was asked for.
      const job = JSON.parse(text) as { jobReference: object };
      known.set(id, { ...job, jobReference: { ...job.jobReference, jobId: id } });
      return send(reply.status, known.get(id));
    }
    response.writeHead(reply.status, {
      'content-type': reply.headers.get('content-type') ?? 'application/json',
    });
    response.end(text);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      response.writeHead(500);
      response.end(error.message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    jobs,
    tables,
    failNext: (pattern, error) => failures.push({ pattern, error }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
