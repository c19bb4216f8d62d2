import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { TitrateError } from '../contracts';
import { createNumberedLog, type ObjectStore } from '../objects';

/** One entry of the log of attempts to create something: an attempt is made, or one came to nothing for certain. */
type Entry =
  // The token makes no two claims alike, so that a store can tell a writer that asks again from another one.
  | { readonly kind: 'claim'; readonly token: string; readonly at: string }
  | { readonly kind: 'refused'; readonly claim: number };

export interface Sighting<T> {
  /** What was made and counts; null when nothing does. */
  readonly found: T | null;
  /** What was made under which claim, also what does not count any more. */
  readonly made: ReadonlyMap<number, T>;
}

export interface OnceOptions<T> {
  readonly objects: ObjectStore;
  /** Record prefix of the log of attempts. */
  readonly records: string;
  /** For messages. */
  readonly where: string;
  /** What is there now, by label. */
  look(): Promise<Sighting<T>>;
  /** @param claim to be put on what is made, for `look` */
  create(claim: number): Promise<T>;
  /** Whether an error of `create` leaves open if the thing was made. */
  isAmbiguous(error: unknown): boolean;
  /** What an error of `create` is to its user. */
  explain(error: unknown): TitrateError;
  /**
   * So long is waited for what a claim that nothing is known of may still bring forth, seconds. More than a request lives. Default 30.
   */
  readonly patienceSeconds?: number;
  readonly signal?: AbortSignal;
}

const PATIENCE_SECONDS = 30;
/** Pauses between two looks, ms: at first, doubling up to the last. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 4000;
/** Requests without an answer before the caller is told. */
const MAX_UNANSWERED = 3;

/**
 * Makes a thing once, on a service that neither refuses nor recognises a repeated request. Who means to create takes the next number
 * of an append-only log first, which one process can; the number goes onto the thing as a label. Whoever finds a number taken and no
 * thing of that number waits until it shows or the request can be alive no longer, and only then takes the next. So a lost answer, a
 * killed process and two at the same moment all end with one thing.
 */
export async function createOnce<T>(options: OnceOptions<T>): Promise<T> {
  const { objects, records, where, signal } = options;
  const log = createNumberedLog<Entry>(objects, records);
  const patienceMs = (options.patienceSeconds ?? PATIENCE_SECONDS) * 1000;
  const awaited = new Set<number>();
  const firstSeen = new Map<number, number>();
  const waitedOut = (claim: number) => {
    const now = performance.now();
    if (!firstSeen.has(claim)) firstSeen.set(claim, now);
    return now - firstSeen.get(claim)! >= patienceMs;
  };

  let unanswered = 0;
  let lastError: unknown;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LAST_PAUSE_MS, 2 * pause)) {
    if (signal?.aborted) throw new TitrateError('cancelled', { what: 'creating it was cancelled', where });
    const { found, made } = await options.look();
    if (found !== null) return found;
    // What came of a claim of this call may have ended already.
    for (const [claim, thing] of made) if (awaited.has(claim)) return thing;
    if (unanswered >= MAX_UNANSWERED) throw options.explain(lastError);

    const claim = await log.append((entries) => {
      // Whoever took it has looked after the ones before.
      const last = entries.findLast(({ value }) => value.kind === 'claim')?.number;
      const isOver = (number: number) =>
        made.has(number) ||
        entries.some(({ value }) => value.kind === 'refused' && value.claim === number) ||
        waitedOut(number);
      if (last !== undefined && !isOver(last)) {
        awaited.add(last);
        return null;
      }
      return { kind: 'claim', token: randomUUID(), at: new Date().toISOString() };
    });
    if (claim) {
      try {
        return await options.create(claim.number);
      } catch (error) {
        if (!options.isAmbiguous(error)) {
          await log.append(() => ({ kind: 'refused', claim: claim.number }));
          throw options.explain(error);
        }
        awaited.add(claim.number);
        unanswered++;
        lastError = error;
        pause = FIRST_PAUSE_MS;
      }
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}
