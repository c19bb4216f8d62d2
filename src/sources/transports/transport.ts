import { Readable, type Transform } from 'node:stream';
import { TitrateError } from '../../contracts';
import type { OpenedSource, Transport } from '../sources';

export const TRANSPORT_KINDS = ['disk', 'stdin', 'https', 'gs', 'bq'] as const;
export type TransportKind = (typeof TRANSPORT_KINDS)[number];

/** An opened source that may know a checksum of all its bytes. */
export interface OpenedBytes extends OpenedSource {
  /** A stream to pass *all* bytes of the source through, from the first: it fails at the end where they are not what the source holds. */
  readonly wholeCheck?: () => Transform;
}

export interface SourceTransport extends Transport {
  readonly kind: TransportKind;
  /** Whether it can go on from an offset and is dear enough for that to matter: a landing keeps what it has fetched. */
  readonly resumable: boolean;
  open(...args: Parameters<Transport['open']>): Promise<OpenedBytes>;
}

/** How patient a transport over a network is. */
export interface RetryPolicy {
  /** Tries after the first that may fail in a row, without a byte between them. */
  readonly retries: number;
  /** Wait before the first of them, ms; doubles with each. */
  readonly backoffMs: number;
  /** Longest wait between two tries, ms, also where the server asks for more (then the source is unavailable). */
  readonly longestWaitMs: number;
  /** Longest time without a byte, ms. */
  readonly idleTimeoutMs: number;
}
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  retries: 5,
  backoffMs: 500,
  longestWaitMs: 60_000,
  idleTimeoutMs: 60_000,
};

export const cancelled = (where: string): TitrateError =>
  new TitrateError('cancelled', { what: 'reading the source was cancelled', where });

/** @throws TitrateError cancelled */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted) throw cancelled(where);
}

/**
 * Waits, unless `signal` fires.
 * @throws TitrateError cancelled
 */
export async function pause(ms: number, signal: AbortSignal | undefined, where: string): Promise<void> {
  throwIfAborted(signal, where);
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled(where));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Wait before try number `failures` + 1, ms. */
export const backoff = ({ backoffMs, longestWaitMs }: RetryPolicy, failures: number): number =>
  Math.min(longestWaitMs, backoffMs * 2 ** (failures - 1));

/**
 * Keeps an error of a stream that nobody reads yet from ending the process; whoever reads it later gets the error.
 */
export function holdErrors<S extends Readable>(stream: S): S {
  return stream.on('error', () => undefined);
}

/**
 * A stream of what a generator yields. Destroying it calls `stop` at once, which has to end what the generator waits for: by itself
 * a generator is told only when the piece it waits for has come.
 */
export function streamOf(pieces: AsyncGenerator<Buffer>, stop: () => void): Readable {
  const stream = Readable.from(pieces, { objectMode: false });
  const endGenerator = stream._destroy.bind(stream);
  stream._destroy = (error, done) => {
    stop();
    endGenerator(error, done);
  };
  return stream;
}

/** Ends a stream with `cancelled` when `signal` fires. */
export function cancelWith<S extends Readable>(stream: S, signal: AbortSignal | undefined, where: string): S {
  holdErrors(stream);
  if (!signal) return stream;
  const stop = () => stream.destroy(cancelled(where));
  if (signal.aborted) stop();
  else {
    signal.addEventListener('abort', stop, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', stop));
  }
  return stream;
}
