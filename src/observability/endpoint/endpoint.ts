import { createServer, get, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, type Registry } from 'prom-client';
import { TitrateError } from '../../contracts';

/** Another exporter of this process that does not answer for so long is left out of the answer, ms. */
const EXPORTER_PATIENCE_MS = 2000;

export interface MetricsEndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly registry: Registry;
  /** Address of a further exporter in this process, whose text follows the registry's; null until there is one. */
  readonly exporter: () => string | null;
  /** Called before each answer: what is kept elsewhere is brought into the registry. */
  readonly onRead?: () => void;
}

export interface MetricsEndpoint {
  readonly address: string;
  close(): Promise<void>;
}

/**
 * One address for all metrics of a process: `GET /metrics` is the registry's text and then the exporter's. Where the exporter does not
 * answer, the registry's alone, with `titrate_metrics_exporter_up` 0.
 * @throws TitrateError port-taken
 */
export async function openMetricsEndpoint(options: MetricsEndpointOptions): Promise<MetricsEndpoint> {
  const { host, port, registry, exporter, onRead } = options;
  const up = new Gauge({
    name: 'titrate_metrics_exporter_up',
    help: "1 when Temporal's part of these metrics could be had, else 0: then only titrate's own are here.",
    registers: [registry],
  });

  async function exported(): Promise<string> {
    const address = exporter();
    return address === null ? '' : read(address);
  }

  async function answer(response: ServerResponse): Promise<void> {
    const others = await exported().catch(() => null);
    up.set(others ? 1 : 0);
    onRead?.();
    const own = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType });
    response.end(others ? `${own}\n${others}` : own);
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://metrics');
    if (pathname !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('Metrics are at /metrics.\n');
      return;
    }
    answer(response).catch((error: Error) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${error.message}\n`);
    });
  });
  await listen(server, host, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    address: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** By node:http, which is loaded here anyway: a first `fetch` costs a process 20 ms of CPU more. */
function read(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(address, { signal: AbortSignal.timeout(EXPORTER_PATIENCE_MS) }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(parts).toString('utf8'));
        else reject(new Error(`HTTP ${response.statusCode}`));
      });
    });
    request.once('error', reject);
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE' && cause.code !== 'EACCES') {
        reject(cause);
        return;
      }
      const what = `metrics cannot be offered there: ${cause.message}`;
      const remedy = 'Give each worker of a machine a port of its own (TITRATE_METRICS_PORT), or none';
      const where = `${host}:${port}`;
      reject(new TitrateError('port-taken', { what, where, remedy }, { cause }));
    });
    server.listen({ host, port, exclusive: true }, () => resolve());
    // Metrics keep no process alive.
    server.unref();
  });
}
