/**
 * The one error type of the system and its catalogue. A code is also the Temporal failure type and the
 * HTTP problem type, so a lab system, a workflow and the CLI all see the same name for the same trouble.
 */
export interface ErrorKind {
  /** HTTP status a server answers with. */
  readonly status: number;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
}

export const ERROR_KINDS = {
  'config-invalid': { status: 400, retryable: false },
  'source-missing': { status: 400, retryable: false },
  'source-unreadable': { status: 400, retryable: false },
  'column-missing': { status: 400, retryable: false },
  'format-unknown': { status: 400, retryable: false },
  'pool-empty': { status: 400, retryable: false },
  'molecule-invalid': { status: 422, retryable: false },
  'result-invalid': { status: 422, retryable: false },
  'labels-insufficient': { status: 422, retryable: false },
  /** The rules of a batch leave nothing to pick. */
  'batch-infeasible': { status: 422, retryable: false },
  'unit-unknown': { status: 400, retryable: false },
  /** Nobody knows who asks. */
  unauthenticated: { status: 401, retryable: false },
  /** Who asks is known, and may not. */
  forbidden: { status: 403, retryable: false },
  'not-found': { status: 404, retryable: false },
  /** Somebody else is at it; it passes. */
  conflict: { status: 409, retryable: true },
  /** It stands in the way of what is there already, and will go on to. */
  contradiction: { status: 409, retryable: false },
  'artifact-corrupt': { status: 500, retryable: false },
  'artifact-missing': { status: 500, retryable: true },
  /** Deleted on purpose, by a person: it comes back only when somebody brings it. */
  'artifact-pruned': { status: 410, retryable: false },
  'runtime-mismatch': { status: 503, retryable: true },
  'thread-died': { status: 500, retryable: true },
  'deadline-exceeded': { status: 504, retryable: true },
  cancelled: { status: 499, retryable: false },
  numerical: { status: 500, retryable: false },
  overloaded: { status: 429, retryable: true },
  unavailable: { status: 503, retryable: true },
  'port-taken': { status: 500, retryable: false },
  'dependency-missing': { status: 500, retryable: false },
  usage: { status: 400, retryable: false },
  internal: { status: 500, retryable: false },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** What went wrong, where, and what to do about it: three plain sentences, not a stack trace. */
export interface ErrorParts {
  /** What was found, and what was expected. */
  readonly what: string;
  /** File, line, configuration path or id. */
  readonly where?: string;
  /** What the reader can do. */
  readonly remedy?: string;
}

export class TitrateError extends Error {
  override readonly name = 'TitrateError';

  constructor(
    readonly code: ErrorCode,
    readonly parts: ErrorParts,
    options?: { cause?: unknown },
  ) {
    super(describeError(parts), options);
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable;
  }
}

/** One line: what, (where), remedy. */
export function describeError({ what, where, remedy }: ErrorParts): string {
  const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
  return [where ? `${where}: ${sentence(what)}` : sentence(what), remedy ? sentence(remedy) : '']
    .filter(Boolean)
    .join(' ');
}

/** Turns anything thrown into a TitrateError; a plain error keeps its message under `internal`. */
export function asTitrateError(error: unknown): TitrateError {
  if (error instanceof TitrateError) return error;
  return new TitrateError(
    'internal',
    { what: error instanceof Error ? error.message : String(error) },
    { cause: error },
  );
}
