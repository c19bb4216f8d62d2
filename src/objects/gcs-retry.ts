import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TitrateError } from '../contracts';

/** How often, and how patiently, a request to Cloud Storage is repeated. */
export interface RetryPolicy {
  /** Tries in all. */
  readonly attempts: number;
  /** Pause before the second try, ms; it doubles from try to try. */
  readonly firstDelayMs: number;
  /** A request without a large body that has not been answered by then is given up and repeated, ms. Default 60 s. */
  readonly deadlineMs?: number;
  /** A download that brings nothing for so long is taken up where it stopped, ms. Default 30 s. */
  readonly stallMs?: number;
}

/** Bridges about half a minute of outage, within what a Temporal activity's own retries take over from. */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 7, firstDelayMs: 500 };
const MAX_DELAY_MS = 16_000;
const DEADLINE_MS = 60_000;
/** The library's transport (node-fetch 2) does not tell when the server closes a connection in the middle of a body. */
export const STALL_MS = 30_000;

/** Answers after which Google's guide tells clients to try again: cloud.google.com/storage/docs/retry-strategy. */
const PASSING_STATUS = new Set([408, 429, 500, 502, 503, 504]);
const PASSING_ERRNO = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
  'DEADLINE',
  'DAMAGED',
  'SESSION',
]);

/** HTTP status of an error from the client library; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const { code, status } = error as { code?: unknown; status?: unknown };
  const number = Number(code ?? status);
  return Number.isInteger(number) && number >= 100 ? number : undefined;
}

/** Whether the same request may succeed when it is made again. */
export function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== undefined) return PASSING_STATUS.has(status);
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message?: string };
  if (PASSING_ERRNO.has(String(code)) || PASSING_ERRNO.has(String(errno))) return true;
  return /socket hang up|premature close|network socket disconnected|unexpected connection closure/i.test(
    message ?? '',
  );
}

/** The error as users see it. `where` names the bucket and the object. */
export function explainGcsError(error: unknown, where: string): TitrateError {
  if (error instanceof TitrateError) return error;
  const said = (error instanceof Error ? error.message : String(error)).slice(0, 500) || 'no message';
  const status = statusOf(error);
  const known = (
    code: 'config-invalid' | 'not-found' | 'unavailable' | 'internal',
    what: string,
    remedy: string,
  ) => new TitrateError(code, { what, where, remedy }, { cause: error });
  if (status === 401 || /default credentials|invalid_grant|Could not refresh access token/i.test(said)) {
    return known(
      'config-invalid',
      `Cloud Storage does not accept the credentials: ${said}`,
      "Run 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS",
    );
  }
  if (status === 403) {
    return known(
      'config-invalid',
      `Cloud Storage refuses access: ${said}`,
      'Grant the account roles/storage.objectUser on the bucket',
    );
  }
  if (status === 404) {
    return known(
      'not-found',
      `Cloud Storage has no such bucket: ${said}`,
      'Create the bucket, or name another one',
    );
  }
  if (mayPass(error)) {
    return known(
      'unavailable',
      `Cloud Storage does not answer as it should: ${said}`,
      'Try again later; nothing that was acknowledged is lost',
    );
  }
  return known(
    'internal',
    `Cloud Storage refuses the request${status === undefined ? '' : ` (${status})`}: ${said}`,
    'Please report this',
  );
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(Object.assign(new Error(`no answer within ${deadlineMs} ms`), { code: 'DEADLINE' })),
      deadlineMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits before try `attempt` + 1 (attempt counts from 1): doubling, with jitter so that many workers do not come back at once. */
export async function backOff({ firstDelayMs }: RetryPolicy, attempt: number): Promise<void> {
  const longest = Math.min(MAX_DELAY_MS, firstDelayMs * 2 ** (attempt - 1));
  await sleep(longest / 2 + randomInt(0, Math.ceil(longest / 2) + 1));
}

/**
 * Makes a request, again and again while it may pass. Only for requests that may be made twice: reads, and writes under a
 * precondition or of the same bytes under their hash.
 * @param answers statuses that are an answer rather than a failure; `onAnswer` turns them into a value.
 * @throws TitrateError unavailable, config-invalid, not-found or internal.
 */
export async function request<T>(
  policy: RetryPolicy,
  where: string,
  action: () => Promise<T>,
  options: { answers?: readonly number[]; onAnswer?: (status: number) => T; unbounded?: boolean } = {},
): Promise<T> {
  const { answers = [], onAnswer, unbounded = false } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await (unbounded ? action() : withDeadline(action(), policy.deadlineMs ?? DEADLINE_MS));
    } catch (error) {
      const status = statusOf(error);
      if (status !== undefined && onAnswer && answers.includes(status)) return onAnswer(status);
      if (!mayPass(error) || attempt >= policy.attempts) throw explainGcsError(error, where);
    }
    await backOff(policy, attempt);
  }
}
