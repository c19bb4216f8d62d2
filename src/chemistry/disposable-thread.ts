import { Worker } from 'node:worker_threads';
import {
  PROGRESS_ITEM,
  PROGRESS_SLOTS,
  type ChunkRequest,
  type ThreadData,
  type ThreadMessage,
} from './thread-protocol';

/** How a chunk ended. `lost`: the thread is gone; `item` is where it was, null if it had not begun. */
export type ChunkEnd<Value> =
  | { readonly kind: 'done'; readonly values: readonly Value[]; readonly memoryBytes: number }
  | { readonly kind: 'lost'; readonly item: number | null; readonly reason: string };

/** Starting and taking up a chunk get this long, ms: a loaded machine is slow to start threads, and no molecule is to blame. */
const START_DEADLINE_MS = 60_000;
const LONGEST_WATCH_MS = 250;
/** Times the deadline after which a thread that gets no CPU time is given up all the same. */
const LONGEST_STARVATION = 20;

/**
 * One worker thread that may be thrown away at any moment. It works on one chunk at a time and is watched from outside:
 * a thread that stays on one item for longer than the deadline is ended. While idle it does not hold the process open.
 */
export class DisposableThread<Task, Item, Value> {
  private readonly worker: Worker;
  private readonly progress = new Int32Array(new SharedArrayBuffer(4 * PROGRESS_SLOTS));
  private readonly exited: Promise<void>;
  private settle: ((end: ChunkEnd<Value>) => void) | null = null;
  private chunk = 0;
  private gone: string | null = null;
  /** RDKit's version; rejects when the thread cannot start. */
  readonly ready: Promise<string>;

  constructor(
    entry: string,
    private readonly deadlineMs: number,
  ) {
    this.progress[PROGRESS_ITEM] = -1;
    const workerData: ThreadData = { progress: this.progress.buffer as SharedArrayBuffer };
    this.worker = new Worker(entry, { workerData, execArgv: [] });
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.lose(`the thread exited with code ${code}`);
        resolve();
      });
    });
    this.worker.on('error', (error) => this.lose(error.message));
    this.worker.on('messageerror', (error) => this.lose(error.message));
    this.ready = this.start();
    // Whoever starts a thread awaits this; a thread disposed of before anybody does is no unhandled rejection.
    this.ready.catch(() => {});
  }

  private async start(): Promise<string> {
    const timer = setTimeout(
      () => this.lose(`the thread was not ready after ${START_DEADLINE_MS} ms`),
      START_DEADLINE_MS,
    );
    try {
      return await new Promise<string>((resolve, reject) => {
        this.settle = (end) => reject(new Error(end.kind === 'lost' ? end.reason : 'not started'));
        this.worker.on('message', (message: ThreadMessage<Value>) => {
          if (message.kind === 'ready') resolve(message.version);
          else this.receive(message);
        });
      });
    } finally {
      clearTimeout(timer);
      this.settle = null;
      this.rest();
    }
  }

  /** An idle thread keeps no process alive. One that is being ended does until it is gone: somebody waits for that. */
  private rest(): void {
    if (this.gone === null) this.worker.unref();
  }

  /** Never rejects; after `lost` the thread is of no more use. */
  async run(task: Task, items: readonly Item[]): Promise<ChunkEnd<Value>> {
    if (this.gone !== null) return { kind: 'lost', item: null, reason: this.gone };
    Atomics.store(this.progress, PROGRESS_ITEM, -1);
    const request: ChunkRequest<Task, Item> = { chunk: ++this.chunk, task, items };
    this.worker.ref();
    const stopWatching = this.watch();
    try {
      return await new Promise((resolve) => {
        this.settle = resolve;
        this.worker.postMessage(request);
      });
    } finally {
      stopWatching();
      this.settle = null;
      this.rest();
    }
  }

  private receive(message: Exclude<ThreadMessage<Value>, { kind: 'ready' }>): void {
    if (message.chunk !== this.chunk) return;
    if (message.kind === 'done') {
      this.settle?.({ kind: 'done', values: message.values, memoryBytes: message.memoryBytes });
    } else {
      this.end(message.item, message.message);
    }
  }

  /**
   * Two clocks must both run out: the wall's, counting only while this side was awake to see (a stopped process, a closed
   * laptop lid), and this process's CPU time (a machine busy with other things). Neither condemns a molecule alone, except
   * that the wall's does after LONGEST_STARVATION times the deadline.
   */
  private watch(): () => void {
    const interval = Math.max(5, Math.min(LONGEST_WATCH_MS, Math.floor(this.deadlineMs / 4)));
    let seen = -1;
    let waited = 0;
    let last = performance.now();
    let worked = process.cpuUsage();
    const timer = setInterval(() => {
      const now = performance.now();
      const item = Atomics.load(this.progress, PROGRESS_ITEM);
      if (item !== seen) {
        waited = 0;
        worked = process.cpuUsage();
      } else {
        waited += Math.min(now - last, 2 * interval);
      }
      seen = item;
      last = now;
      const limit = item < 0 ? Math.max(START_DEADLINE_MS, this.deadlineMs) : this.deadlineMs;
      if (waited <= limit) return;
      const { user, system } = process.cpuUsage(worked);
      if ((user + system) / 1000 > limit || waited > LONGEST_STARVATION * limit)
        this.lose(`no answer within ${limit} ms`);
    }, interval);
    return () => clearInterval(timer);
  }

  private lose(reason: string): void {
    const item = Atomics.load(this.progress, PROGRESS_ITEM);
    this.end(item < 0 ? null : item, reason);
  }

  private end(item: number | null, reason: string): void {
    if (this.gone !== null) return;
    this.gone = reason;
    this.settle?.({ kind: 'lost', item, reason });
    void this.worker.terminate();
  }

  /** Ends the thread, whatever it is doing; a chunk under way ends as `lost`. Resolves when it is gone. */
  async dispose(): Promise<void> {
    this.lose('the thread was ended');
    this.worker.ref();
    await this.exited;
  }
}
