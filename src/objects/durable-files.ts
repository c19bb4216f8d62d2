import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Makes names created in a folder survive a power cut; a file's own fsync does not cover its name. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** mkdir -p whose new folders survive a power cut. */
export async function makeDurableDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let at = directory; at.length >= first.length; at = path.dirname(at))
    await syncDirectory(path.dirname(at));
}

/** sha256 and size (bytes) of a file, in flat memory; null when there is no such file. */
export async function hashFile(file: string): Promise<{ sha256: string; bytes: number } | null> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** A stream written to disk and fsynced, not yet under its final name. */
export interface StagedFile {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Gives the file its final name unless that name is taken. */
  linkTo(target: string): Promise<boolean>;
  /** Puts the file in the place of the one at `target`, in one step. */
  replace(target: string): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Writes a stream to a new file in `directory`. A stream that fails leaves nothing behind.
 * @param observe sees every chunk on its way, e.g. for further checksums.
 */
export async function stageStream(
  directory: string,
  data: Readable,
  observe?: (chunk: Buffer) => void,
): Promise<StagedFile> {
  await makeDurableDirectory(directory);
  const file = path.join(directory, `${process.pid}-${randomUUID()}`);
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(file, 'wx');
  try {
    await pipeline(data, async (source) => {
      for await (const piece of source as AsyncIterable<Buffer | string>) {
        const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
        hash.update(chunk);
        observe?.(chunk);
        bytes += chunk.length;
        for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
      }
    });
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(file).catch(() => undefined);
    throw error;
  }
  return {
    file,
    sha256: hash.digest('hex'),
    bytes,
    async linkTo(target) {
      await makeDurableDirectory(path.dirname(target));
      try {
        await link(file, target);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      }
    },
    async replace(target) {
      const beside = path.join(path.dirname(target), `.tmp-${path.basename(file)}`);
      await link(file, beside);
      await rename(beside, target);
    },
    discard: () => unlink(file),
  };
}

/** Removes files in `directory` that nobody has touched for `olderThanMs`: what killed writers left behind. */
export async function sweepStale(directory: string, olderThanMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => [] as string[]);
  for (const name of names) {
    const file = path.join(directory, name);
    const found = await stat(file).catch(() => null);
    if (found?.isFile() && Date.now() - found.mtimeMs > olderThanMs)
      await unlink(file).catch(() => undefined);
  }
}

/** Passes bytes through and fails at the end, by `onMismatch`, when they do not hash to `sha256`. */
export function verifyingStream(sha256: string, onMismatch: (found: string) => Error): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const found = hash.digest('hex');
      done(found === sha256 ? null : onMismatch(found));
    },
  });
}
