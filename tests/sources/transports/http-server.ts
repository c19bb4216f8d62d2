import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FileServer {
  readonly origin: string;
  /** What is served; change it at will. */
  body: Buffer;
  etag: string | null;
  lastModified: string | null;
  /** Bytes of bodies written so far. */
  served: number;
  /** One entry a request: its path and the headers that matter. */
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Takes over a request; returns false to leave it to the server. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

/** A server of one file, with Range and If-Range as RFC 9110 has them. Writes `pieceBytes` at a time, `pauseMs` apart. */
export async function startFileServer(
  body: Buffer,
  {
    pieceBytes = 1 << 16,
    pauseMs = 0,
    port = 0,
  }: { pieceBytes?: number; pauseMs?: number; port?: number } = {},
): Promise<FileServer> {
  const sockets = new Set<Socket>();
  const state: FileServer = {
    origin: '',
    body,
    etag: '"v1"',
    lastModified: null,
    served: 0,
    requests: [],
    intercept: () => false,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  const server = createServer((request, response) => {
    state.requests.push({ path: request.url!, headers: request.headers });
    if (state.intercept(request, response)) return;
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const condition = request.headers['if-range'];
    const matches = condition === undefined || condition === state.etag || condition === state.lastModified;
    const start = range && matches ? Number(range[1]) : 0;
    response.setHeader('accept-ranges', 'bytes');
    if (state.etag) response.setHeader('etag', state.etag);
    if (state.lastModified) response.setHeader('last-modified', state.lastModified);
    if (start > 0 && start >= state.body.length) {
      response.writeHead(416, { 'content-range': `bytes */${state.body.length}` }).end();
      return;
    }
    const part = state.body.subarray(start);
    const partial = range && matches;
    response.writeHead(partial ? 206 : 200, {
      'content-length': part.length,
      ...(partial && { 'content-range': `bytes ${start}-${state.body.length - 1}/${state.body.length}` }),
    });
    void writeSlowly(response, part);
  });
  async function writeSlowly(response: ServerResponse, part: Buffer): Promise<void> {
    response.setMaxListeners(0);
    for (let at = 0; at < part.length && !response.destroyed; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes);
      state.served += piece.length;
      if (!response.write(piece))
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
      if (pauseMs) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    response.end();
  }
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  (state as { origin: string }).origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

/** All bytes of a stream. */
export async function collect(stream: AsyncIterable<Buffer | string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece as string));
  return Buffer.concat(pieces);
}

/** Bytes that repeat nowhere, the same at each call. */
export function someBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let x = seed;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}
