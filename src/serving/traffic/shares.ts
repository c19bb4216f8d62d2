import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Requests of one session meet the same model for as long as the share only grows. */
export const SESSION_HEADER = 'x-titrate-session';
const REQUEST_ID_HEADER = 'x-request-id';

/**
 * Whether a request falls to a version that has `share` percent. The place of a request in 0..100 is a hash of its session, else
 * of its id, and of the version: the same request falls the same way again, and a larger share keeps all that a smaller one had.
 * A request with neither has the place that `random` gives it.
 * @param random uniform in [0, 1)
 */
export function fallsTo(
  version: string,
  share: number,
  headers: IncomingHttpHeaders,
  random: () => number,
): boolean {
  if (share <= 0) return false;
  if (share >= 100) return true;
  const key = headers[SESSION_HEADER] ?? headers[REQUEST_ID_HEADER];
  const place = key === undefined ? random() : hashed(`${version}\n${String(key)}`);
  return 100 * place < share;
}

/** Uniform in [0, 1). */
function hashed(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
