import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import path from 'node:path';

/** Writes and fsyncs a temporary file beside `target`, so that a crash never leaves half a file under the final name. */
async function writeTemporary(target: string, data: Uint8Array | string): Promise<string> {
  await mkdir(path.dirname(target), { recursive: true });
  const temporary = path.join(path.dirname(target), `.tmp-${process.pid}-${randomUUID()}`);
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}

/** Replaces `target` in one step. */
export async function writeFileAtomic(target: string, data: Uint8Array | string): Promise<void> {
  await rename(await writeTemporary(target, data), target);
}

/** Creates `target` if nobody has; of any number of racing writers exactly one gets `true`. */
export async function createFileExclusive(target: string, data: Uint8Array | string): Promise<boolean> {
  const temporary = await writeTemporary(target, data);
  try {
    await link(temporary, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
}
