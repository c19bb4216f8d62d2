import { TitrateError } from '../contracts';

/** Work in order: what shares a key runs one after the other, what does not runs at once. */
export interface Queues {
  /** @throws TitrateError unavailable after `close`. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Takes nothing more, and waits for what has begun. Twice is once. */
  close(): Promise<void>;
}

export function createQueues(): Queues {
  const last = new Map<string, Promise<unknown>>();
  let closed = false;
  return {
    run(key, work) {
      if (closed) return Promise.reject(new TitrateError('unavailable', { what: 'the warehouse is closed' }));
      const mine = (last.get(key) ?? Promise.resolve()).then(work);
      const settled = mine.then(
        () => undefined,
        () => undefined,
      );
      last.set(key, settled);
      void settled.then(() => {
        if (last.get(key) === settled) last.delete(key);
      });
      return mine;
    },
    async close() {
      closed = true;
      await Promise.all(last.values());
    },
  };
}
