import { TitrateError } from '../contracts';

export const cancelled = (where: string): TitrateError =>
  new TitrateError('cancelled', { what: 'standardising the source was cancelled', where });

/** `work`, or a rejection with `cancelled` as soon as `signal` fires; the work itself is not stopped. */
export async function orCancelled<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  where: string,
): Promise<T> {
  if (!signal) return work;
  // Somebody else may be first to look at it, or nobody.
  work.catch(() => undefined);
  if (signal.aborted) throw cancelled(where);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled(where));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort!);
  }
}

/** Lets at most `size` pieces of work be under way. */
export class Lanes {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(size: number) {
    this.free = size;
  }

  /** Resolves with the function that gives the lane back. */
  async acquire(): Promise<() => void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    return () => {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    };
  }
}
