import type { FastifyReply } from 'fastify';
import { asTitrateError, TitrateError } from '../contracts';

/** A TitrateError under an HTTP status that its code does not have by itself. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';

  constructor(
    readonly status: number,
    readonly error: TitrateError,
    /** When it is worth trying again, seconds. */
    readonly retryAfter?: number,
  ) {
    super(error.message, { cause: error });
  }
}

/** A well-formed request whose content cannot be used: 422. */
export function unprocessable(what: string, where: string, remedy?: string): HttpProblem {
  return new HttpProblem(422, new TitrateError('usage', { what, where, remedy }));
}

/** More than the server takes at once: 413. */
export function tooLarge(what: string, where: string, remedy: string): HttpProblem {
  return new HttpProblem(413, new TitrateError('usage', { what, where, remedy }));
}

/** Problem details (RFC 9457). `code` is the TitrateError code; `error` repeats the detail for Open Inference Protocol clients. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly error: string;
  /** When it is worth trying again, seconds. */
  readonly retryAfter?: number;
}

/** Anything thrown, as a status and a TitrateError. */
export function toProblem(thrown: unknown, instance: string, bodyLimit: number): Problem {
  const { status, error, retryAfter } = classify(thrown, bodyLimit);
  return {
    type: `urn:titrate:problem:${error.code}`,
    title: error.code.charAt(0).toUpperCase() + error.code.slice(1).replaceAll('-', ' '),
    status,
    detail: error.message,
    instance,
    code: error.code,
    retryable: error.retryable,
    error: error.message,
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

function classify(
  thrown: unknown,
  bodyLimit: number,
): { status: number; error: TitrateError; retryAfter?: number } {
  if (thrown instanceof HttpProblem) return thrown;
  if (thrown instanceof TitrateError) return { status: thrown.status, error: thrown };
  const { statusCode, code, name, message } = thrown as {
    statusCode?: number;
    code?: string;
    name?: string;
    message?: string;
  };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return tooLarge(
      `the request body is larger than ${bodyLimit} bytes`,
      'request body',
      'Send the molecules in several requests',
    );
  }
  if (name === 'AbortError') {
    return {
      status: 499,
      error: new TitrateError('cancelled', { what: 'the client went away before the answer' }),
    };
  }
  // What the web framework refuses: unreadable JSON, a media type other than JSON, a malformed path.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const remedy =
      statusCode === 415
        ? "Send JSON, with 'content-type: application/json', uncompressed; to /predict/batch NDJSON, with 'application/x-ndjson'"
        : undefined;
    const what = message ?? 'the request cannot be read';
    return { status: statusCode, error: new TitrateError('usage', { what, where: 'request', remedy }) };
  }
  const error = asTitrateError(thrown);
  return { status: error.status, error };
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 429 || problem.status === 503)
    void reply.header('retry-after', String(problem.retryAfter ?? 1));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="titrate"');
  return reply
    .code(problem.status)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}
