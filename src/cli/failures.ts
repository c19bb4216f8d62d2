import { CommanderError } from 'commander';
import { ZodError } from 'zod';
import { asTitrateError, ERROR_KINDS, TitrateError, type ErrorCode } from '../contracts';

const isCode = (name: unknown): name is ErrorCode =>
  typeof name === 'string' && Object.hasOwn(ERROR_KINDS, name);

interface ErrorLike {
  readonly name?: string;
  readonly message?: string;
  readonly type?: unknown;
  readonly cause?: unknown;
  /** gRPC status, or a system error's code such as ENOENT. */
  readonly code?: unknown;
  readonly details?: unknown;
  readonly path?: unknown;
}

const GRPC_DEADLINE_EXCEEDED = 4;
const GRPC_UNAVAILABLE = 14;

/**
 * Turns what the Temporal client and the file system throw into the catalogue's words. A workflow's or an activity's own failure
 * carries its code as Temporal failure type, however deep it lies among the causes.
 */
export function explainFailure(error: unknown): TitrateError {
  for (
    let at = error as ErrorLike | undefined, depth = 0;
    at && depth < 10;
    at = at.cause as ErrorLike | undefined, depth++
  ) {
    if (at instanceof TitrateError) return at;
    if (isCode(at.type)) return new TitrateError(at.type, { what: at.message ?? at.type }, { cause: error });
    switch (at.name) {
      case 'WorkflowNotFoundError':
        return new TitrateError(
          'not-found',
          { what: 'there is no such campaign on this server', remedy: "See 'titrate campaign list'" },
          { cause: error },
        );
      case 'WorkflowExecutionAlreadyStartedError':
        return new TitrateError(
          'conflict',
          { what: 'a campaign with this id exists already', remedy: 'Choose another one with --id' },
          { cause: error },
        );
      case 'QueryNotRegisteredError':
      case 'QueryRejectedError':
        return new TitrateError(
          'unavailable',
          { what: 'the campaign does not answer', where: at.message },
          { cause: error },
        );
    }
    if (at.code === GRPC_UNAVAILABLE || at.code === GRPC_DEADLINE_EXCEEDED) {
      return new TitrateError(
        at.code === GRPC_UNAVAILABLE ? 'unavailable' : 'deadline-exceeded',
        {
          what:
            at.code === GRPC_UNAVAILABLE
              ? 'the Temporal server does not answer'
              : 'no worker answered in time',
          remedy: "See what is wrong with 'titrate doctor'; 'titrate up' starts the local stack",
        },
        { cause: error },
      );
    }
    if (at.code === 'ENOENT' || at.code === 'EACCES' || at.code === 'EISDIR') {
      const what = {
        ENOENT: 'there is no such file',
        EACCES: 'may not be read or written',
        EISDIR: 'is a directory, not a file',
      }[at.code];
      return new TitrateError(
        'source-missing',
        { what, where: typeof at.path === 'string' ? at.path : undefined },
        { cause: error },
      );
    }
    if (at instanceof ZodError)
      return new TitrateError('config-invalid', { what: at.message }, { cause: error });
  }
  return asTitrateError(error);
}

/** What a shell expects of a command that was interrupted: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/** Exit codes: 1 failed, 2 wrong use, 130 interrupted. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof TitrateError)) return 1;
  return error.code === 'usage' ? 2 : error.code === 'cancelled' ? INTERRUPTED : 1;
}

/** Says what went wrong in one or two lines; with --json also as one JSON value on standard output. */
export function reportFailure(error: unknown, { json, debug }: { json: boolean; debug: boolean }): number {
  // commander has said it already.
  if (error instanceof CommanderError) {
    if (json && exitCodeOf(error) !== 0) printJson('usage', error.message.replace(/^error: /, ''));
    return exitCodeOf(error);
  }
  const explained = explainFailure(error);
  process.stderr.write(`titrate: ${explained.message}\n`);
  if (debug) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  if (json) printJson(explained.code, explained.message);
  return exitCodeOf(explained);
}

function printJson(code: string, message: string): void {
  process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
}
