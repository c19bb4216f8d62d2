/** What a pool and its threads say to each other; generic, so that the pool knows no chemistry. */

/** Slots of the shared progress array: which item of the chunk a thread is at, -1 before the first. */
export const PROGRESS_ITEM = 0;
export const PROGRESS_SLOTS = 1;

export interface ThreadData {
  /** Int32Array of PROGRESS_SLOTS; read from outside, where a thread that hangs can tell nothing. */
  readonly progress: SharedArrayBuffer;
}

/** To a thread: one chunk at a time. */
export interface ChunkRequest<Task = unknown, Item = unknown> {
  readonly chunk: number;
  readonly task: Task;
  readonly items: readonly Item[];
}

/** From a thread. `trapped`: item `item` threw something; whatever the thread holds can no longer be trusted. */
export type ThreadMessage<Value = unknown> =
  | { readonly kind: 'ready'; readonly version: string }
  | {
      readonly kind: 'done';
      readonly chunk: number;
      readonly values: readonly Value[];
      readonly memoryBytes: number;
    }
  | { readonly kind: 'trapped'; readonly chunk: number; readonly item: number; readonly message: string };
