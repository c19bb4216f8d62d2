import { createHash, randomUUID, type Hash } from 'node:crypto';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import path from 'node:path';
import { sha256, writeFileAtomic } from '../foundation';

/** `<offset>-<bytes>-<sha256>`: what a segment holds is in its name, so it is never changed, only there or not. */
const SEGMENT = /^(\d{15})-(\d+)-([0-9a-f]{64})$/;
const VERSION_FILE = 'version';

export interface Segment {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What is staged of one version of a source. */
export interface Staged {
  readonly directory: string;
  readonly version: string;
  /** From the first byte on, without a gap. */
  readonly segments: readonly Segment[];
  /** Bytes they hold together. */
  readonly bytes: number;
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Folder of one version of one source. */
export const versionDirectory = (sourceDirectory: string, version: string): string =>
  path.join(sourceDirectory, sha256(version).slice(0, 32));

async function readStaged(directory: string): Promise<Staged | null> {
  try {
    const version = await readFile(path.join(directory, VERSION_FILE), 'utf8');
    const found = (await readdir(directory)).flatMap((name) => {
      const match = SEGMENT.exec(name);
      if (!match) return [];
      return [{ file: path.join(directory, name), offset: Number(match[1]), bytes: Number(match[2]), sha256: match[3]! }]; // prettier-ignore
    });
    // Two calls may have cut the same bytes differently: the longest segment that goes on where the last one ended.
    found.sort((a, b) => a.offset - b.offset || b.bytes - a.bytes);
    const segments: Segment[] = [];
    let bytes = 0;
    for (const segment of found) {
      if (segment.offset !== bytes || segment.bytes === 0) continue;
      segments.push(segment);
      bytes += segment.bytes;
    }
    return { directory, version, segments, bytes };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** What was staged last of a source, of whatever version; null where there is nothing. */
export async function findStaged(sourceDirectory: string): Promise<Staged | null> {
  const names = await readdir(sourceDirectory).catch(() => [] as string[]);
  const dated = await Promise.all(
    names.map(async (name) => {
      const directory = path.join(sourceDirectory, name);
      return { directory, at: (await stat(directory).catch(() => null))?.mtimeMs ?? 0 };
    }),
  );
  for (const { directory } of dated.sort((a, b) => b.at - a.at)) {
    const staged = await readStaged(directory);
    if (staged && staged.bytes > 0) return staged;
  }
  return null;
}

/** A segment that is not what its name says; it has been removed, so that the next call fetches it again. */
export class SegmentLost extends Error {}

/**
 * The staged bytes, each segment checked before any byte of it goes out.
 * @throws SegmentLost
 */
export async function* readSegments(segments: readonly Segment[]): AsyncGenerator<Buffer> {
  for (const segment of segments) {
    let bytes: Buffer;
    try {
      bytes = await readFile(segment.file);
    } catch (error) {
      if (isMissing(error)) throw new SegmentLost(`${segment.file} is gone`);
      throw error;
    }
    if (bytes.length !== segment.bytes || sha256(bytes) !== segment.sha256) {
      await unlink(segment.file).catch(() => undefined);
      throw new SegmentLost(`${segment.file} is damaged`);
    }
    yield bytes;
  }
}

export interface SegmentWriter {
  /** Takes the next bytes of the source. */
  write(piece: Buffer): Promise<void>;
  /** Makes what was written since the last segment one of its own, so that an interrupted call can go on from there. */
  close(): Promise<void>;
}

/**
 * Writes a version's bytes from `offset` on as segments of `segmentBytes`. A segment gets its name when it is on disk, fsynced, in one
 * step. So calls that land one source at the same time, in any processes, can only add what the others would have added:
 * there is no lock and nobody waits. A folder swept away by a call that is done ends the staging, not the landing.
 */
export async function createSegmentWriter(
  directory: string,
  version: string,
  offset: number,
  segmentBytes: number,
): Promise<SegmentWriter> {
  await mkdir(directory, { recursive: true });
  await writeFileAtomic(path.join(directory, VERSION_FILE), version);
  let at = offset;
  let current: { handle: FileHandle; file: string; hash: Hash; bytes: number } | undefined;
  let gone = false;

  async function begin() {
    const file = path.join(directory, `.tmp-${process.pid}-${randomUUID()}`);
    return { handle: await open(file, 'wx'), file, hash: createHash('sha256'), bytes: 0 };
  }

  async function finish(): Promise<void> {
    const segment = current;
    if (!segment) return;
    current = undefined;
    try {
      await segment.handle.sync();
    } finally {
      await segment.handle.close();
    }
    const name = `${String(at).padStart(15, '0')}-${segment.bytes}-${segment.hash.digest('hex')}`;
    await rename(segment.file, path.join(directory, name));
    at += segment.bytes;
  }

  async function unlessGone(work: () => Promise<void>): Promise<void> {
    if (gone) return;
    try {
      await work();
    } catch (error) {
      if (!isMissing(error)) throw error;
      gone = true;
    }
  }

  return {
    write: (piece) =>
      unlessGone(async () => {
        for (let from = 0; from < piece.length;) {
          current ??= await begin();
          const part = piece.subarray(from, from + segmentBytes - current.bytes);
          for (let done = 0; done < part.length;)
            done += (await current.handle.write(part, done)).bytesWritten;
          current.hash.update(part);
          current.bytes += part.length;
          from += part.length;
          if (current.bytes >= segmentBytes) await finish();
        }
      }),
    close: () => unlessGone(finish),
  };
}

/** Removes folders of versions that nobody has added to for `olderThanMs`, and those of sources without any. */
export async function sweepStaged(stagingDirectory: string, olderThanMs: number): Promise<void> {
  const isStale = async (directory: string) => {
    const found = await stat(directory).catch(() => null);
    return found !== null && found.isDirectory() && Date.now() - found.mtimeMs > olderThanMs;
  };
  for (const source of await readdir(stagingDirectory).catch(() => [] as string[])) {
    const sourceDirectory = path.join(stagingDirectory, source);
    const emptyLong = await isStale(sourceDirectory);
    for (const version of await readdir(sourceDirectory).catch(() => [] as string[])) {
      const directory = path.join(sourceDirectory, version);
      if (await isStale(directory))
        await rm(directory, { recursive: true, force: true }).catch(() => undefined);
    }
    if (emptyLong) await rmdir(sourceDirectory).catch(() => undefined);
  }
}
