import type { FastifyReply, FastifyRequest } from 'fastify';
import { TitrateError } from '../contracts';
import { Cancellation, type CancelSignal } from '../foundation';
import { unprocessable } from './problems';

/** How long a caller waits for an answer: milliseconds from its arrival here. */
export const DEADLINE_HEADER = 'x-request-deadline-ms';

/** Until when somebody waits for an answer. */
export interface RequestSignal {
  /** Aborted with the TitrateError that says why: the deadline has passed, or the client hung up. */
  readonly signal: CancelSignal;
  /** Call it when there is an answer. */
  release(): void;
}

/**
 * @param askedMs what the request's body says of its deadline, milliseconds
 * @param longestMs what no request gets beyond
 * @throws HttpProblem 422 for a header that is no number of milliseconds; TitrateError deadline-exceeded when it is too late already
 */
export function requestSignal(
  request: FastifyRequest,
  reply: FastifyReply,
  longestMs: number,
  askedMs?: number,
): RequestSignal {
  const allowed = Math.min(longestMs, headerMs(request) ?? Infinity, askedMs ?? Infinity);
  const cancellation = new Cancellation();
  const late = () =>
    new TitrateError('deadline-exceeded', {
      what: `there was no answer within ${allowed} ms`,
      remedy: 'Allow more time, ask for fewer molecules at once, or try again when there is less to do',
    });
  const left = allowed - reply.elapsedTime;
  if (left <= 0) throw late();
  const timer = setTimeout(() => cancellation.abort(late()), left);
  const hungUp = () => {
    if (reply.raw.writableFinished) return;
    cancellation.abort(new TitrateError('cancelled', { what: 'the client went away before the answer' }));
  };
  reply.raw.once('close', hungUp);
  return {
    signal: cancellation,
    release() {
      clearTimeout(timer);
      reply.raw.off('close', hungUp);
    },
  };
}

function headerMs({ headers }: FastifyRequest): number | undefined {
  const text = headers[DEADLINE_HEADER];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw unprocessable(`'${text}' is no number of milliseconds above 0`, DEADLINE_HEADER);
}
