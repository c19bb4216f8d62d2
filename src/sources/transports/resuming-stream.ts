import type { Readable } from 'node:stream';
import { TitrateError } from '../../contracts';
import { backoff, cancelWith, holdErrors, pause, streamOf, type RetryPolicy } from './transport';

export interface ResumingStreamOptions {
  /** Names the source in messages. */
  readonly where: string;
  /** A stream that starts at `start`. */
  readonly first: Readable;
  readonly start: number;
  /** All bytes of the source, where they are known: the stream fails rather than end before or after them. */
  readonly total?: number;
  /**
   * Opens the same bytes from an offset; absent where the source cannot skip. A TitrateError it throws ends the stream.
   */
  readonly reopen?: (offset: number, signal: AbortSignal) => Promise<Readable>;
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal;
}

const quoted = (error: unknown) => {
  const { message, cause } = error as Error & { cause?: { message?: string } };
  return cause?.message ? `${message}: ${cause.message}` : (message ?? String(error));
};

/** The next piece, or a failure after `idleTimeoutMs` without one. */
async function nextWithin(
  stream: Readable,
  pieces: AsyncIterator<Buffer>,
  idleTimeoutMs: number,
): Promise<IteratorResult<Buffer>> {
  const timer = setTimeout(
    () => stream.destroy(new Error(`no byte came for ${idleTimeoutMs / 1000} s`)),
    idleTimeoutMs,
  );
  try {
    return await pieces.next();
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A stream over a network that breaks: it is opened again where it broke off, as long as bytes come between the breaks. It never
 * ends early: where it cannot go on it fails with `unavailable`.
 */
export function resumingStream(options: ResumingStreamOptions): Readable {
  const { where, total, policy, signal, reopen } = options;
  const told = (error: unknown, offset: number) =>
    new TitrateError(
      'unavailable',
      {
        what: `the source broke off after ${offset}${total === undefined ? '' : ` of ${total}`} bytes (${quoted(error)})`,
        where,
        remedy:
          'Try again; what was fetched of an unchanged source is kept where the source lets reading go on',
      },
      { cause: error },
    );

  /** The next piece at `offset`; null at the end. */
  async function read(stream: Readable, iterator: AsyncIterator<Buffer>, offset: number) {
    const next = await nextWithin(stream, iterator, policy.idleTimeoutMs);
    if (next.done) {
      if (total !== undefined && offset < total) throw new Error('it ended early');
      return null;
    }
    if (total !== undefined && offset + next.value.length > total) {
      throw new TitrateError('source-unreadable', {
        what: `the source said that it has ${total} bytes, and sends more`,
        where,
        remedy: 'Its server contradicts itself: tell its owner, or fetch the file by other means',
      });
    }
    return next.value;
  }

  const abandoned = new AbortController();
  holdErrors(options.first);
  let stream: Readable | undefined = options.first;

  async function* pieces(): AsyncGenerator<Buffer> {
    let offset = options.start;
    let failures = 0;
    let iterator = options.first[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      for (;;) {
        let piece: Buffer | null;
        try {
          if (!stream) {
            stream = holdErrors(await reopen!(offset, abandoned.signal));
            iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
          }
          if (abandoned.signal.aborted) return;
          piece = await read(stream, iterator, offset);
        } catch (error) {
          stream?.destroy();
          stream = undefined;
          if (abandoned.signal.aborted) return;
          // Said by us: there is nothing to try again, or it was tried often enough.
          if (error instanceof TitrateError) throw error;
          failures += 1;
          if (!reopen || failures > policy.retries) throw told(error, offset);
          await pause(backoff(policy, failures), abandoned.signal, where);
          continue;
        }
        if (piece === null) return;
        failures = 0;
        offset += piece.length;
        // Outside of the try: what a reader throws in here is no failure of the source.
        yield piece;
      }
    } finally {
      stream?.destroy();
    }
  }
  const whole = streamOf(pieces(), () => {
    abandoned.abort();
    stream?.destroy();
  });
  return cancelWith(whole, signal, where);
}
