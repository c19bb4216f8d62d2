import type { Readable } from 'node:stream';
import { TitrateError } from '../../contracts';

export interface WandbConnection {
  /** e.g. `https://api.wandb.ai`, without a slash at the end. */
  readonly baseUrl: string;
  readonly entity: string;
  readonly project: string;
  readonly apiKey: string;
}

/** A GraphQL document, with the types of what it takes and answers. */
export interface Operation<V, R> {
  readonly document: string;
  /** Never there: it ties the types to the document. */
  readonly types?: { readonly variables: V; readonly result: R };
}
export const operation = <V, R>(document: string): Operation<V, R> => ({ document });

/** A stalled request is given up after this long, ms; uploads may take as long as they move. */
const REQUEST_TIMEOUT_MS = 30_000;
const TRANSFER_TIMEOUT_MS = 30 * 60_000;
/** Longest piece of an answer that is repeated in an error. */
const QUOTED_CHARACTERS = 300;
/** Answers after which the same request may go well later. */
const PASSING_STATUS = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** The calls of W&B's HTTP API that titrate makes. Nothing here retries: whoever delivers does, from what it reads back. */
export interface WandbApi {
  call<V, R>(operation: Operation<V, R>, variables: V, signal: AbortSignal): Promise<R>;
  /** Appends to (or overwrites at an offset) the lines of a run's files, and ends the run. */
  stream(runId: string, body: object, signal: AbortSignal): Promise<void>;
  /** @param headers as the API gives them, `Name:value` each. */
  upload(
    url: string,
    headers: readonly string[],
    body: { readonly bytes: number; open(): Promise<Readable> },
    signal: AbortSignal,
  ): Promise<void>;
  download(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * @throws TitrateError (from every call) unavailable: no connection, a server error, a refusal that may pass; config-invalid: the key
 * is refused; internal: an address W&B does not know. The key stands in none of them.
 */
export function createWandbApi({ baseUrl, entity, project, apiKey }: WandbConnection): WandbApi {
  const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`;
  const origin = new URL(baseUrl).origin;

  async function send(what: string, url: string, init: RequestInit, signal: AbortSignal, timeoutMs: number) {
    let answer: Response;
    try {
      answer = await fetch(url, {
        ...init,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(what, error);
    }
    if (!answer.ok) throw refusal(what, answer.status, await answer.text().catch(() => ''));
    return answer;
  }

  async function json(what: string, url: string, body: object, signal: AbortSignal): Promise<unknown> {
    const headers = { authorization, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await send(what, url, init, signal, REQUEST_TIMEOUT_MS);
    try {
      return await answer.json();
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(what, error);
    }
  }

  return {
    async call<V, R>({ document }: Operation<V, R>, variables: V, signal: AbortSignal) {
      const what = /(?:query|mutation)\s+(\w+)/.exec(document)?.[1] ?? 'query';
      const answer = (await json(what, `${baseUrl}/graphql`, { query: document, variables }, signal)) as {
        data?: R | null;
        errors?: readonly { message: string }[];
      };
      if (answer.errors?.length || !answer.data) {
        // It may be about something that the next attempt brings (a file that was lost on the way), so it is tried again.
        throw new TitrateError('unavailable', {
          what: `W&B refused ${what}: ${(answer.errors ?? []).map(({ message }) => message).join('; ') || 'no data'}`,
          where: `${baseUrl}, ${entity}/${project}`,
          remedy: 'Check that the key may write to the project; what was to be tracked stays in the spool',
        });
      }
      return answer.data;
    },

    async stream(runId, body, signal) {
      const path = ['files', entity, project, runId, 'file_stream'].map(encodeURIComponent).join('/');
      await json('file stream', `${baseUrl}/${path}`, body, signal);
    },

    async upload(url, headers, { bytes, open }, signal) {
      const named = headers.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as [string, string];
      });
      const stream = await open();
      const init = {
        method: 'PUT',
        headers: { ...Object.fromEntries(named), 'content-length': String(bytes) },
        body: bytes === 0 ? new Uint8Array() : (stream as unknown as RequestInit['body']),
        duplex: 'half' as const,
      };
      try {
        await (await send('upload', url, init, signal, TRANSFER_TIMEOUT_MS)).arrayBuffer();
      } finally {
        stream.destroy();
      }
    },

    async download(url, signal) {
      // Signed addresses of the storage carry their own permission; the key goes to W&B alone.
      const headers = new URL(url).origin === origin ? { authorization } : undefined;
      const answer = await send('download', url, { headers }, signal, TRANSFER_TIMEOUT_MS);
      return answer.body ? guarded(answer.body as unknown as AsyncIterable<Uint8Array>, signal) : nothing();
    },
  };

  async function* guarded(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    try {
      yield* body;
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable('download', error);
    }
  }

  function unreachable(what: string, error: unknown): TitrateError {
    const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
    return new TitrateError(
      'unavailable',
      {
        what: `W&B did not answer (${what}): ${cause?.code ?? cause?.message ?? message}`,
        where: baseUrl,
        remedy: 'What was to be tracked stays in the spool and is sent again',
      },
      { cause: error },
    );
  }

  function refusal(what: string, status: number, text: string): TitrateError {
    if (status === 401 || status === 403) {
      return new TitrateError('config-invalid', {
        what: `W&B refused the key (HTTP ${status})`,
        where: `${baseUrl}, ${entity}/${project}`,
        remedy: 'Set WANDB_API_KEY to a key that may write to the project, then run titrate tracking deliver',
      });
    }
    return new TitrateError(PASSING_STATUS.has(status) ? 'unavailable' : 'internal', {
      what: `W&B answered HTTP ${status} (${what}): ${text.slice(0, QUOTED_CHARACTERS)}`,
      where: baseUrl,
      remedy: 'What was to be tracked stays in the spool',
    });
  }
}

async function* nothing(): AsyncIterable<Uint8Array> {}
