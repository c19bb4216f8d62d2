import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buildSchema, graphql, type GraphQLError } from 'graphql';
import { createMutations } from './mutations';
import { createResolvers } from './resolvers';
import { WANDB_SCHEMA } from './schema';
import { md5Base64, Refused, WandbState } from './state';

export const API_KEY = '0123456789abcdef0123456789abcdef01234567';

/** A request as faults see it: GraphQL by its operation's name, the rest by what it does. */
export interface WandbRequest {
  readonly kind: 'graphql' | 'file_stream' | 'upload' | 'download' | 'other';
  /** e.g. `CommitArtifact`; for uploads and downloads the storage key. */
  readonly operation: string;
}
/**
 * `status`: refused before anything happens. `cut`: the connection is destroyed before anything happens. `lost`: it happens, and the
 * answer never arrives. `swallow`: it is answered as done, and was not.
 */
export type WandbFault = { readonly status: number } | 'cut' | 'lost' | 'swallow';

export interface WandbServer {
  readonly url: string;
  readonly state: WandbState;
  readonly requests: readonly WandbRequest[];
  /** Asked once a request; may take its time. */
  onRequest: (request: WandbRequest) => WandbFault | null | Promise<WandbFault | null>;
  /** Refusals and validation errors so far, in words. */
  readonly refusals: readonly string[];
  /** Stops listening and cuts every connection; the state stays. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Operation name of a GraphQL document. */
const operationOf = (query: string) => /(?:query|mutation)\s+(\w+)/.exec(query)?.[1] ?? 'anonymous';

/**
 * A server for tests that speaks the part of W&B's API in ./schema over real HTTP: GraphQL, the file stream, and the storage that
 * files go to. It is our own reading of what W&B's published clients send; that the official Python client works with it unchanged
 * is what tests/tracking/official.test.ts shows first.
 */
export async function startWandbServer(options: { trace?: boolean } = {}): Promise<WandbServer> {
  const state = new WandbState();
  const schema = buildSchema(WANDB_SCHEMA);
  const requests: WandbRequest[] = [];
  const refusals: string[] = [];
  const sockets = new Set<Socket>();
  let port = 0;
  const base = () => `http://127.0.0.1:${port}`;
  const storageUrl = (key: string) => `${base()}/storage/${key}`;
  const resolvers = createResolvers(state, storageUrl);
  const rootValue = { ...resolvers.query, ...createMutations(state, resolvers, storageUrl) };

  const authorised = (request: IncomingMessage) =>
    request.headers.authorization === `Basic ${Buffer.from(`api:${API_KEY}`).toString('base64')}`;

  async function answerGraphql(body: Buffer): Promise<string> {
    const { query, variables } = JSON.parse(body.toString('utf8')) as {
      query: string;
      variables?: Record<string, unknown>;
    };
    const result = await graphql({ schema, source: query, rootValue, variableValues: variables });
    for (const error of result.errors ?? ([] as readonly GraphQLError[])) {
      refusals.push(`${operationOf(query)}: ${error.message}`);
      if (!(error.originalError instanceof Refused) && options.trace)
        process.stderr.write(`${error.stack}\n`);
    }
    return JSON.stringify(result);
  }

  /** Lines from `offset` on replace those that are there, so that what is sent twice is there once. */
  function takeStream(path: string, body: Buffer): number {
    const [, , entity, project, name] = path.split('/').map(decodeURIComponent);
    const run = state.projects.get(`${entity}/${project}`)?.runs.get(name!);
    if (!run) return 404;
    const {
      files = {},
      complete,
      exitcode,
    } = JSON.parse(body.toString('utf8')) as {
      files?: Record<string, { offset: number; content: string[] }>;
      complete?: boolean;
      exitcode?: number;
    };
    const history = files['wandb-history.jsonl'];
    if (history) {
      if (history.offset > run.history.length) return 400;
      history.content.forEach((line, i) => (run.history[history.offset + i] = line));
    }
    const summary = files['wandb-summary.json']?.content.at(-1);
    if (summary) run.summary = JSON.parse(summary) as Record<string, unknown>;
    if (complete) run.state = exitcode ? 'failed' : 'finished';
    return 200;
  }

  function describe(request: IncomingMessage, body: Buffer): WandbRequest {
    const url = request.url!;
    if (url.startsWith('/graphql'))
      return {
        kind: 'graphql',
        operation: operationOf((JSON.parse(body.toString('utf8')) as { query: string }).query),
      };
    if (url.endsWith('/file_stream')) return { kind: 'file_stream', operation: 'file_stream' };
    const operation = url.split('/').pop()!;
    if (!url.startsWith('/storage/')) return { kind: 'other', operation };
    return { kind: request.method === 'PUT' ? 'upload' : 'download', operation };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const seen = describe(request, body);
    requests.push(seen);
    if (options.trace) process.stderr.write(`${request.method} ${request.url} ${seen.operation}\n`);
    const fault = await server.onRequest(seen);
    if (fault === 'cut') return void request.socket.destroy();
    if (fault === 'swallow') return void response.writeHead(200).end('{}');
    if (fault && fault !== 'lost')
      return void response.writeHead(fault.status).end('{"error":"as the test wants it"}');
    const done = await act(request, body, seen);
    if (fault === 'lost') return void request.socket.destroy();
    response.writeHead(done.status, done.headers).end(done.body);
  }

  async function act(
    request: IncomingMessage,
    body: Buffer,
    { kind, operation }: WandbRequest,
  ): Promise<{ status: number; headers?: Record<string, string>; body?: string | Buffer }> {
    const json = { 'content-type': 'application/json' };
    if (kind === 'graphql' || kind === 'file_stream') {
      if (!authorised(request)) return { status: 401, headers: json, body: '{"error":"unauthorized"}' };
      if (kind === 'graphql') return { status: 200, headers: json, body: await answerGraphql(body) };
      return { status: takeStream(request.url!, body), headers: json, body: '{"limits":{}}' };
    }
    if (kind === 'upload') {
      const expected = request.headers['content-md5'];
      if (expected && expected !== md5Base64(body)) return { status: 400, body: 'BadDigest' };
      state.storage.set(operation, body);
      return { status: 200, headers: { etag: md5Base64(body) } };
    }
    const bytes = kind === 'download' ? state.storage.get(operation) : undefined;
    return bytes ? { status: 200, body: bytes } : { status: 404 };
  }

  let http: Server;
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      http = createServer((request, response) => {
        handle(request, response).catch((error: Error) => {
          // A client that was killed while it sent is no fault of the server's.
          if (options.trace) process.stderr.write(`${error.stack}\n`);
          if (!response.headersSent) response.writeHead(500).end(error.message);
        });
      });
      http.on('connection', (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
      http.once('error', reject);
      http.listen(port, '127.0.0.1', () => {
        port = (http.address() as AddressInfo).port;
        resolve();
      });
    });

  const server: WandbServer = {
    get url() {
      return base();
    },
    state,
    requests,
    refusals,
    onRequest: () => null,
    up: listen,
    down: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  await listen();
  return server;
}
