import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Admission } from './admission';
import type { ServingMetrics } from './metrics';
import { toProblem } from './problems';
import type { Route } from './route';

export interface TurningAwayParts {
  readonly admission: Admission;
  readonly metrics: ServingMetrics;
  readonly bodyLimit: number;
}

type Refusable = Pick<Route, 'method' | 'url'>;

/** A refusal is worded anew so often, milliseconds: its numbers are of a moment, and wording it costs more than sending it. */
const WORDING_MS = 100;
const METHOD = 'POST';

interface RefusableRoute {
  readonly url: string;
  readonly pattern: RegExp;
  /** @param seconds that the refusal took */
  readonly count: (seconds: number) => void;
}

interface Wording {
  readonly at: number;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/**
 * Answers what a full queue cannot take before the web framework sees it: no caller is identified, no body parsed, no handler run. In
 * a surge nearly all requests end here, and what they cost is taken from those that were let in. Whatever it lets pass is checked
 * again behind it.
 */
export class TurningAway {
  private readonly routes: readonly RefusableRoute[];
  private wording: Wording | null = null;

  /** @param routes those that a full queue refuses; others pass */
  constructor(
    private readonly parts: TurningAwayParts,
    routes: readonly Refusable[],
  ) {
    this.routes = routes
      .filter(({ method }) => method === METHOD)
      .map(({ url }) => {
        const pattern = new RegExp(`^${url.replace(/:[^/]+/g, '[^/]+')}$`);
        return { url, pattern, count: counterOf(parts.metrics, url) };
      });
  }

  /** In front of everything that listens to `server` for requests already. @param isOver true from when the server drains */
  guard(server: Server, isOver: () => boolean): void {
    const behind = server.listeners('request') as RequestListener[];
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (this.parts.admission.isFull && !isOver() && this.refuse(request, response)) return;
      for (const listener of behind) listener.call(server, request, response);
    });
  }

  private refuse(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== METHOD) return false;
    const path = request.url!.split('?', 1)[0]!;
    const route = this.routes.find(({ url, pattern }) => url === path || pattern.test(path));
    if (route === undefined) return false;
    const started = performance.now();
    const { headers, body } = this.worded(path);
    response.writeHead(429, headers as string[]);
    response.end(body);
    route.count((performance.now() - started) / 1000);
    return true;
  }

  private worded(path: string): Wording {
    const now = performance.now();
    const last = this.wording;
    if (last?.path === path && now - last.at < WORDING_MS) return last;
    const { admission, bodyLimit } = this.parts;
    const problem = toProblem(admission.overloaded(), path, bodyLimit);
    const body = Buffer.from(JSON.stringify(problem));
    const headers = [
      ...['content-type', 'application/problem+json; charset=utf-8'],
      ...['content-length', String(body.length)],
      ...['retry-after', String(problem.retryAfter ?? 1)],
    ];
    return (this.wording = { at: now, path, headers, body });
  }
}

/** Counts a refusal as any other answer; labels are looked up at the first one. */
function counterOf({ errors, requests, latency }: ServingMetrics, route: string): RefusableRoute['count'] {
  const labelled = () => ({
    error: errors.labels({ code: 'overloaded' }),
    request: requests.labels({ method: METHOD, route, status: 429 }),
    time: latency.labels({ method: METHOD, route }),
  });
  let known: ReturnType<typeof labelled> | undefined;
  return (seconds) => {
    known ??= labelled();
    known.error.inc();
    known.request.inc();
    known.time.observe(seconds);
  };
}
