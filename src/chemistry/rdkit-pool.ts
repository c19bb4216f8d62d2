import { TitrateError } from '../contracts';
import { DisposableThread, type ChunkEnd } from './disposable-thread';

export interface PoolOptions {
  /** Compiled file of the thread. */
  readonly entry: string;
  /** Threads at most; each starts when there is work for it. */
  readonly threads: number;
  /** Longest time on one item, ms, by the clock and by this process's CPU time. */
  readonly deadlineMs: number;
  /** Items handed to a thread at a time, at most. */
  readonly chunkItems?: number;
  /** A thread whose WASM memory has grown beyond this is replaced: it never shrinks, bytes. */
  readonly maxMemoryBytes?: number;
}

export interface PoolItem<Item> {
  readonly payload: Item;
  /** Gets a chunk of its own and a thread that is thrown away afterwards: for what may corrupt a thread without a trap. */
  readonly isolated: boolean;
}

export type PoolResult<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: string };

interface Chunk {
  readonly indices: readonly number[];
  readonly isolated: boolean;
  /** Its single item brought a thread down before: it gets a new thread, and the next failure is its own. */
  readonly lastChance: boolean;
  /** Times its thread died before it began. */
  readonly lost: number;
}

interface Call<Task, Item, Value> {
  readonly task: Task;
  readonly items: readonly PoolItem<Item>[];
  readonly results: PoolResult<Value>[];
  readonly chunks: Chunk[];
  remaining: number;
  resolve(results: PoolResult<Value>[]): void;
  reject(error: TitrateError): void;
}

const CHUNK_ITEMS = 32;
const MAX_MEMORY_BYTES = 1 << 30;
/** Threads that fail to start, and chunks whose threads die before the first item, in a row: then it is not bad luck. */
const MAX_STARTS = 3;

/**
 * A pool of disposable threads. An item that traps, hangs or ends its thread is tried once more alone on a new thread
 * (it may have suffered from what came before it), then reported; the rest of its chunk is given to other threads. Calls made
 * at the same moment take turns chunk by chunk, so that a small one never waits for a large one to end.
 */
export class RdkitPool<Task, Item, Value> {
  private readonly calls: Call<Task, Item, Value>[] = [];
  private readonly active = new Set<Call<Task, Item, Value>>();
  private readonly idle: DisposableThread<Task, Item, Value>[] = [];
  private readonly threads = new Set<DisposableThread<Task, Item, Value>>();
  private readonly leaving = new Set<Promise<void>>();
  private failedStarts = 0;
  private closed = false;

  constructor(private readonly options: PoolOptions) {}

  /**
   * Runs one task on every item.
   * @returns result i for item i; `ok: false` with the reason where the item brought down its thread twice
   * @throws thread-died when threads cannot be started at all; cancelled when the pool is closed
   */
  run(task: Task, items: readonly PoolItem<Item>[]): Promise<PoolResult<Value>[]> {
    if (this.closed) return Promise.reject(cancelled());
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const chunks = this.cut(items);
      const call = {
        task,
        items,
        results: new Array<PoolResult<Value>>(items.length),
        chunks,
        remaining: items.length,
        resolve,
        reject,
      };
      this.calls.push(call);
      this.active.add(call);
      this.dispatch();
    });
  }

  /** Version reported by a thread; starts one if none runs. @throws as run */
  async version(): Promise<string> {
    if (this.closed) throw cancelled();
    const [running] = this.threads;
    const thread = running ?? this.start();
    try {
      const version = await thread.ready;
      if (!running) this.release(thread);
      return version;
    } catch (error) {
      throw this.closed ? cancelled() : cannotStart(error);
    }
  }

  /** Ends every thread, also busy ones; calls under way reject with `cancelled`. May be called twice. */
  async close(): Promise<void> {
    this.closed = true;
    this.fail(cancelled());
    for (const thread of this.threads) this.discard(thread);
    this.idle.length = 0;
    await Promise.all(this.leaving);
  }

  private cut(items: readonly PoolItem<Item>[]): Chunk[] {
    const size = Math.min(
      this.options.chunkItems ?? CHUNK_ITEMS,
      Math.ceil(items.length / this.options.threads),
    );
    const chunks: Chunk[] = [];
    let open: number[] = [];
    const flush = () => {
      if (open.length) chunks.push({ indices: open, isolated: false, lastChance: false, lost: 0 });
      open = [];
    };
    items.forEach(({ isolated }, index) => {
      if (isolated) chunks.push({ indices: [index], isolated, lastChance: false, lost: 0 });
      else if (open.push(index) >= size) flush();
    });
    flush();
    return chunks;
  }

  private dispatch(): void {
    while (!this.closed && this.calls.length > 0) {
      const thread = this.acquire(this.calls[0]!.chunks[0]!.lastChance);
      if (!thread) return;
      const call = this.calls.shift()!;
      const chunk = call.chunks.shift()!;
      if (call.chunks.length > 0) this.calls.push(call);
      void this.work(thread, call, chunk);
    }
  }

  private acquire(mustBeNew: boolean): DisposableThread<Task, Item, Value> | undefined {
    if (!mustBeNew && this.idle.length > 0) return this.idle.pop();
    if (this.threads.size < this.options.threads) return this.start();
    const spent = this.idle.pop();
    if (!spent) return undefined;
    this.discard(spent);
    return this.start();
  }

  private start(): DisposableThread<Task, Item, Value> {
    const thread = new DisposableThread<Task, Item, Value>(this.options.entry, this.options.deadlineMs);
    this.threads.add(thread);
    thread.ready.then(
      () => (this.failedStarts = 0),
      (error) => {
        this.discard(thread);
        if (++this.failedStarts >= MAX_STARTS) {
          this.failedStarts = 0;
          this.fail(cannotStart(error));
        }
        this.dispatch();
      },
    );
    return thread;
  }

  private async work(
    thread: DisposableThread<Task, Item, Value>,
    call: Call<Task, Item, Value>,
    chunk: Chunk,
  ): Promise<void> {
    let end: ChunkEnd<Value>;
    try {
      await thread.ready;
      const payloads = chunk.indices.map((index) => call.items[index]!.payload);
      end = await thread.run(call.task, payloads);
    } catch {
      // Never started: counted in start(), and not this chunk's fault.
      this.requeue(call, [chunk]);
      this.dispatch();
      return;
    }
    if (end.kind === 'done') {
      const tooLarge = end.memoryBytes > (this.options.maxMemoryBytes ?? MAX_MEMORY_BYTES);
      if (chunk.isolated || tooLarge) this.discard(thread);
      else this.idle.push(thread);
      end.values.forEach((value, at) => this.record(call, chunk.indices[at]!, { ok: true, value }));
    } else {
      this.discard(thread);
      this.recover(call, chunk, end);
    }
    this.dispatch();
  }

  private recover(
    call: Call<Task, Item, Value>,
    chunk: Chunk,
    { item, reason }: Extract<ChunkEnd<Value>, { kind: 'lost' }>,
  ): void {
    if (!this.active.has(call)) return;
    if (item === null) {
      if (chunk.lost + 1 < MAX_STARTS) this.requeue(call, [{ ...chunk, lost: chunk.lost + 1 }]);
      else this.fail(new TitrateError('thread-died', { what: reason, where: 'chemistry' }), call);
      return;
    }
    const culprit = chunk.indices[item]!;
    if (chunk.lastChance) {
      this.record(call, culprit, { ok: false, reason });
      return;
    }
    const rest = chunk.indices.filter((index) => index !== culprit);
    const alone: Chunk = { indices: [culprit], isolated: true, lastChance: true, lost: 0 };
    this.requeue(call, rest.length ? [{ ...chunk, indices: rest }, alone] : [alone]);
  }

  private requeue(call: Call<Task, Item, Value>, chunks: readonly Chunk[]): void {
    if (!this.active.has(call)) return;
    call.chunks.unshift(...chunks);
    if (!this.calls.includes(call)) this.calls.push(call);
  }

  private record(call: Call<Task, Item, Value>, index: number, result: PoolResult<Value>): void {
    call.results[index] = result;
    if (--call.remaining > 0 || !this.active.delete(call)) return;
    call.resolve(call.results);
  }

  private fail(error: TitrateError, only?: Call<Task, Item, Value>): void {
    for (const call of only ? [only] : [...this.active]) {
      this.active.delete(call);
      if (this.calls.includes(call)) this.calls.splice(this.calls.indexOf(call), 1);
      call.reject(error);
    }
  }

  private release(thread: DisposableThread<Task, Item, Value>): void {
    if (!this.threads.has(thread)) return;
    this.idle.push(thread);
    this.dispatch();
  }

  private discard(thread: DisposableThread<Task, Item, Value>): void {
    if (!this.threads.delete(thread)) return;
    if (this.idle.includes(thread)) this.idle.splice(this.idle.indexOf(thread), 1);
    const leaving = thread.dispose().then(() => void this.leaving.delete(leaving));
    this.leaving.add(leaving);
  }
}

const cancelled = () =>
  new TitrateError('cancelled', { what: 'the chemistry pool was closed', where: 'chemistry' });

const cannotStart = (error: unknown) =>
  new TitrateError(
    'thread-died',
    {
      what: `a chemistry thread could not be started: ${error instanceof Error ? error.message : String(error)}`,
      where: 'chemistry',
      remedy: 'Run npm install and npm run build, and try again',
    },
    { cause: error },
  );
