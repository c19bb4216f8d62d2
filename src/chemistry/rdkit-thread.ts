import { parentPort, workerData } from 'node:worker_threads';
import type { StructureInput } from './chemistry';
import { loadRdkit } from './rdkit-module';
import { runTask, type RdkitTask, type RdkitValue } from './rdkit-tasks';
import { PROGRESS_ITEM, type ChunkRequest, type ThreadData, type ThreadMessage } from './thread-protocol';

/** Entry of a chemistry thread: one RDKit instance, one chunk at a time. */
async function main(): Promise<void> {
  const progress = new Int32Array((workerData as ThreadData).progress);
  const loaded = await loadRdkit();
  const post = (message: ThreadMessage<RdkitValue>) => parentPort!.postMessage(message);

  parentPort!.on('message', ({ chunk, task, items }: ChunkRequest<RdkitTask, StructureInput>) => {
    let item = 0;
    try {
      const values: RdkitValue[] = [];
      for (; item < items.length; item++) {
        Atomics.store(progress, PROGRESS_ITEM, item);
        values.push(runTask(loaded, task, items[item]!));
      }
      post({ kind: 'done', chunk, values, memoryBytes: loaded.memoryBytes() });
    } catch (error) {
      post({ kind: 'trapped', chunk, item, message: describeTrap(error) });
    }
  });
  post({ kind: 'ready', version: loaded.rdkit.version() });
}

/** A C++ exception crosses into JavaScript without its message. */
function describeTrap(error: unknown): string {
  if (error instanceof Error) return error.message;
  return 'RDKit threw a C++ exception';
}

void main();
