import { Piscina } from 'piscina';
import { TitrateError } from '../../contracts';
import { compiledEntry, type CancelSignal } from '../../foundation';
import type { JobKind, JobMessage, Jobs, Reply } from './protocol';

/** A thread that has had nothing to do for this long ends, milliseconds. */
const IDLE_TIMEOUT = 10_000;

/** Threads that grow trees and predict; they start when needed and end when idle. */
export class ForestThreads {
  private pool: Piscina | undefined;
  private closed = false;

  /** @param threads most at work at once */
  constructor(private readonly threads: number) {}

  /**
   * Jobs that belong together, in any number of threads. Where one fails or `signal` aborts, the others stop at their next look at the
   * flag they share.
   * @returns the answers in the order of the requests, and the seconds of computing they took together
   * @throws what a job throws; cancelled; thread-died
   */
  async run<K extends JobKind>(
    kind: K,
    requests: readonly Jobs[K]['request'][],
    signal?: CancelSignal,
  ): Promise<{ answers: Jobs[K]['answer'][]; seconds: number }> {
    if (signal?.aborted) throw cancelled();
    if (this.closed)
      throw new TitrateError('internal', { what: 'the random forest was used after it was closed' });
    const cancel = new Int32Array(new SharedArrayBuffer(4));
    const stop = () => Atomics.store(cancel, 0, 1);
    let refuse: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => (refuse = () => reject(cancelled())));
    // Whoever races it gets it; until then it is nobody's unhandled rejection.
    aborted.catch(() => undefined);
    const onAbort = () => {
      stop();
      refuse();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const jobs = requests.map((request) => this.one(kind, { request, cancel }));
      const replies = await Promise.race([Promise.all(jobs), aborted]);
      return {
        answers: replies.map(({ value }) => value),
        seconds: replies.reduce((sum, { seconds }) => sum + seconds, 0),
      };
    } catch (error) {
      stop();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pool?.destroy();
    this.pool = undefined;
  }

  private async one<K extends JobKind>(kind: K, message: JobMessage<K>) {
    this.pool ??= new Piscina({
      filename: compiledEntry('src/learning/forest/thread'),
      minThreads: 0,
      maxThreads: Math.max(1, this.threads),
      idleTimeout: IDLE_TIMEOUT,
    });
    let reply: Reply<K>;
    try {
      reply = (await this.pool.run(message, { name: kind })) as Reply<K>;
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new TitrateError(
        'thread-died',
        {
          what: `a thread of the random forest ended in its work (${kind}): ${text}`,
          remedy: 'Try again; if it was memory, use fewer trees, labels or threads',
        },
        { cause },
      );
    }
    if ('error' in reply) throw new TitrateError(reply.error.code, reply.error.parts);
    return reply;
  }
}

const cancelled = () => new TitrateError('cancelled', { what: 'the computation was cancelled' });
