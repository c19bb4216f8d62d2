import { createHash } from 'node:crypto';
import { canonicalJson } from '../contracts';

/** sha256 as 64 lower-case hex digits. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** sha256 of a value's canonical JSON: the same for the same value, whatever the order of its keys. */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value));
}
