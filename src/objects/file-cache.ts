import { mkdir, readdir, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { hashFile, stageStream, sweepStale } from './durable-files';

/** A file somebody was given within this time is never evicted, ms: it may not have been opened yet. */
const IN_USE_MS = 3600 * 1000;
const STALE_STAGING_MS = 24 * 3600 * 1000;

export interface FileCache {
  /**
   * Path of the file with these bytes; `fetch`ed (a stream that fails unless its bytes hash to `sha256`) when it is not there.
   * The path is good for an hour at least.
   */
  pathOf(sha256: string, fetch: () => Promise<Readable>): Promise<string>;
}

export interface FileCacheEvents {
  readonly onLookup?: (outcome: 'hit' | 'miss') => void;
  /** Told the size of all files after each that was added. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Content-addressed files `ab/<sha256>` in a folder that several processes may share. Above `maxBytes` the least recently used go,
 * but none that was handed out within the last hour. Every file is hashed once a process before it is handed out; a damaged one is
 * fetched again.
 */
export function createFileCache(
  directory: string,
  maxBytes: number,
  events: FileCacheEvents = {},
): FileCache {
  const staging = path.join(directory, 'staging');
  const fileOf = (sha256: string) => path.join(directory, sha256.slice(0, 2), sha256);
  const verified = new Map<string, string>();
  const running = new Map<string, Promise<string>>();
  let swept: Promise<void> | undefined;

  async function identity(file: string): Promise<string | null> {
    const found = await stat(file).catch(() => null);
    return found?.isFile() ? `${found.ino}:${found.size}:${found.mtimeMs}` : null;
  }

  /** Marks the file as used now, which also is what eviction goes by. */
  async function use(sha256: string): Promise<boolean> {
    const now = new Date();
    try {
      await utimes(fileOf(sha256), now, now);
    } catch {
      return false;
    }
    const seen = await identity(fileOf(sha256));
    if (seen) verified.set(sha256, seen);
    return seen !== null;
  }

  async function isThere(sha256: string): Promise<boolean> {
    const seen = await identity(fileOf(sha256));
    if (seen === null) return false;
    return seen === verified.get(sha256) || (await hashFile(fileOf(sha256)))?.sha256 === sha256;
  }

  async function evict(): Promise<void> {
    const files: { file: string; sha256: string; bytes: number; usedAt: number }[] = [];
    for (const shard of await readdir(directory)) {
      if (!/^[0-9a-f]{2}$/.test(shard)) continue;
      for (const sha256 of await readdir(path.join(directory, shard))) {
        const file = path.join(directory, shard, sha256);
        const found = await stat(file).catch(() => null);
        if (found) files.push({ file, sha256, bytes: found.size, usedAt: found.mtimeMs });
      }
    }
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { file, sha256, bytes, usedAt } of files.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= maxBytes || Date.now() - usedAt < IN_USE_MS) break;
      await unlink(file).catch(() => undefined);
      verified.delete(sha256);
      total -= bytes;
    }
    events.onBytes?.(total);
  }

  async function find(sha256: string, fetch: () => Promise<Readable>): Promise<string> {
    const file = fileOf(sha256);
    const hit = (await isThere(sha256)) && (await use(sha256));
    events.onLookup?.(hit ? 'hit' : 'miss');
    if (hit) return file;
    swept ??= sweepStale(staging, STALE_STAGING_MS);
    await swept;
    const staged = await stageStream(staging, await fetch());
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await staged.replace(file);
    } finally {
      await staged.discard();
    }
    await use(sha256);
    await evict();
    return file;
  }

  return {
    pathOf(sha256, fetch) {
      let work = running.get(sha256);
      if (!work) {
        work = find(sha256, fetch).finally(() => running.delete(sha256));
        running.set(sha256, work);
      }
      return work;
    },
  };
}
