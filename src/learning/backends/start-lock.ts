/** Longest wait for a thread that starts, milliseconds: one that was ended while it held the lock never gives it back. */
const PATIENCE_MS = 30_000;

const FREE = 0;
const HELD = 1;

/** A cell that all threads of a process share, for `StartLock`. */
export const newStartCell = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));

/** One thread of the process at a time, across what a body awaits. Waiting blocks the thread. */
export class StartLock {
  constructor(private readonly cell: Int32Array) {}

  async run<T>(body: () => Promise<T>): Promise<T> {
    const until = Date.now() + PATIENCE_MS;
    while (Atomics.compareExchange(this.cell, 0, FREE, HELD) === HELD && Date.now() < until)
      Atomics.wait(this.cell, 0, HELD, PATIENCE_MS);
    try {
      return await body();
    } finally {
      Atomics.store(this.cell, 0, FREE);
      Atomics.notify(this.cell, 0, 1);
    }
  }
}
