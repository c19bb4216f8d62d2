import http, { type IncomingHttpHeaders } from 'node:http';
import type { CancelSignal } from '../../foundation';

/** Where a candidate answers, and the key that opens it to its parent alone. */
export interface CandidateAddress {
  readonly address: string;
  readonly key: string;
}

/** A request as it came, to be asked again elsewhere. */
export interface Forwarded {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly seconds: number;
}

/** Of a connection, not of a message (RFC 9110, 7.6.1), and what the next hop writes anew. */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'host', 'content-length', 'expect',
]); // prettier-ignore

/** What proves who the client is: for this server, not for the next one. */
const CREDENTIALS = new Set(['authorization', 'x-api-key', 'cookie']);

/** Headers that pass from one hop to the next. */
export function passing(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HOP_BY_HOP.has(name)) kept[name] = value;
  return kept;
}

/** Asks candidates over kept-alive connections of this machine. */
export function createForwarder(timeoutMs: number) {
  const agent = new http.Agent({ keepAlive: true });

  return {
    /**
     * @param signal aborted when nobody waits for the answer any more
     * @throws Error when there is no whole answer in time
     */
    ask(
      { address, key }: CandidateAddress,
      request: Forwarded,
      signal?: CancelSignal,
    ): Promise<ForwardedAnswer> {
      const { method, url, headers, body } = request;
      const kept = Object.entries(passing(headers)).filter(([name]) => !CREDENTIALS.has(name));
      const started = performance.now();
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const over = new AbortController();
        const stop = () => over.abort(signal?.reason);
        const timer = setTimeout(() => over.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
        signal?.addEventListener('abort', stop, { once: true });
        const done = () => (clearTimeout(timer), signal?.removeEventListener('abort', stop));
        const outgoing = http.request(
          new URL(url, address),
          {
            agent,
            method,
            headers: {
              ...Object.fromEntries(kept),
              authorization: `Bearer ${key}`,
              'content-length': body.length,
            },
            signal: over.signal,
          },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
            incoming.on('error', reject);
            incoming.on('end', () => {
              const { statusCode, headers, complete } = incoming;
              if (!complete) return reject(new Error('the answer was cut off'));
              const seconds = (performance.now() - started) / 1000;
              resolve({ status: statusCode ?? 0, headers, body: Buffer.concat(chunks), seconds });
            });
          },
        );
        outgoing.on('error', reject);
        outgoing.on('close', done);
        outgoing.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

export type Forwarder = ReturnType<typeof createForwarder>;
