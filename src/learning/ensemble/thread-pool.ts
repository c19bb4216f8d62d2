import { SHARE_ENV, Worker } from 'node:worker_threads';
import { TitrateError } from '../../contracts';
import { compiledEntry, type CancelSignal } from '../../foundation';
import { newStartCell } from '../backends/start-lock';
import type { JobKind, JobMessage, Jobs, ReplyMessage, ThreadData } from './protocol';

/** One for the process, whatever pools there are in it. */
const START_CELL = newStartCell();

interface Queued {
  readonly message: JobMessage;
  readonly resolve: (answer: Jobs[JobKind]['answer']) => void;
  readonly reject: (error: unknown) => void;
}

interface Slot {
  worker: Worker | null;
  /** Jobs for this thread and no other. */
  readonly own: Queued[];
  current: Queued | null;
}

/**
 * Member threads, started when first needed. A thread does one job at a time; a job goes to the thread it names, else to the
 * first that is free. A thread that dies fails its job (`thread-died`) and is replaced at the next one. Idle threads do
 * not keep the process alive.
 */
export class ThreadPool {
  private readonly slots: Slot[];
  private readonly shared: Queued[] = [];
  private nextId = 1;
  private closed = false;

  /** @param size threads, at least 1 */
  constructor(
    readonly size: number,
    private readonly data: Omit<ThreadData, 'startCell'>,
  ) {
    this.slots = Array.from({ length: size }, () => ({ worker: null, own: [], current: null }));
  }

  /**
   * @param thread which of the threads, from 0; left out, any
   * @throws what the job throws; cancelled as soon as `signal` says so; thread-died
   */
  run<K extends JobKind>(
    kind: K,
    request: Jobs[K]['request'],
    { thread, signal }: { thread?: number; signal?: CancelSignal } = {},
  ): Promise<Jobs[K]['answer']> {
    return new Promise((resolve, reject) => {
      if (this.closed)
        throw new TitrateError('unavailable', { what: 'The ensemble was closed', where: 'ensemble' });
      if (signal?.aborted) throw cancelledError();
      const cancel = new Int32Array(new SharedArrayBuffer(4));
      const queue = thread === undefined ? this.shared : this.slots[thread]!.own;
      const onAbort = () => {
        Atomics.store(cancel, 0, 1);
        const at = queue.indexOf(queued);
        if (at >= 0) queue.splice(at, 1);
        reject(cancelledError());
      };
      const settle = () => signal?.removeEventListener('abort', onAbort);
      const queued: Queued = {
        message: { id: this.nextId++, kind, request, cancel },
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(queued);
      this.dispatch();
    });
  }

  /** Runs a job in every thread that is up, without starting any. */
  async broadcast<K extends JobKind>(kind: K, request: Jobs[K]['request']): Promise<void> {
    const running = this.slots.flatMap(({ worker }, thread) => (worker ? [thread] : []));
    await Promise.all(running.map((thread) => this.run(kind, request, { thread })));
  }

  /** Stops all threads; what is queued or running fails with `unavailable`. */
  async close(): Promise<void> {
    this.closed = true;
    const closing = new TitrateError('unavailable', {
      what: 'The ensemble was closed',
      where: 'ensemble',
    });
    for (const queued of this.shared.splice(0)) queued.reject(closing);
    await Promise.all(
      this.slots.map(async (slot) => {
        for (const queued of slot.own.splice(0)) queued.reject(closing);
        slot.current?.reject(closing);
        slot.current = null;
        const { worker } = slot;
        slot.worker = null;
        await worker?.terminate();
      }),
    );
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (slot.current) continue;
      // Its own jobs are predictions that somebody waits for; shared ones are long.
      const queued = slot.own.shift() ?? this.shared.shift();
      if (!queued) continue;
      slot.current = queued;
      slot.worker ??= this.start(slot);
      slot.worker.ref();
      slot.worker.postMessage(queued.message);
    }
  }

  private start(slot: Slot): Worker {
    const worker = new Worker(compiledEntry('src/learning/ensemble/thread'), {
      workerData: { ...this.data, startCell: START_CELL } satisfies ThreadData,
      // Native TensorFlow reads its settings from the environment of the process, not from a thread's copy.
      env: SHARE_ENV,
    });
    worker.on('message', (reply: ReplyMessage) => {
      const { current } = slot;
      if (slot.worker !== worker || !current || reply.id !== current.message.id) return;
      slot.current = null;
      worker.unref();
      if ('error' in reply) current.reject(new TitrateError(reply.error.code, reply.error.parts));
      else current.resolve(reply.answer);
      this.dispatch();
    });
    const died = (reason: string) => {
      if (slot.worker !== worker) return;
      slot.worker = null;
      const { current } = slot;
      slot.current = null;
      current?.reject(
        new TitrateError('thread-died', {
          what: `A thread of the ensemble ended while it had work to do (${reason})`,
          where: `ensemble, ${current.message.kind}`,
          remedy: 'Try again; if it happens again, give the machine more memory or use fewer threads',
        }),
      );
      this.dispatch();
    };
    worker.on('error', (error) => died(error.message));
    worker.on('exit', (code) => died(`exit code ${code}`));
    return worker;
  }
}

const cancelledError = () =>
  new TitrateError('cancelled', { what: 'The work was cancelled', where: 'ensemble' });
