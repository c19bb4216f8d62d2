import { open, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { TitrateError, type ArtifactRef } from '../contracts';
import { createFileExclusive, sha256 as hashBytes, writeFileAtomic } from '../foundation';
import {
  hashFile,
  makeDurableDirectory,
  stageStream,
  sweepStale,
  syncDirectory,
  verifyingStream,
} from './durable-files';
import type { ObjectStore } from './object-store';
import { decodeRecordKey, encodeRecordKey } from './record-key';

/** Ends a record's file name. '~' is percent-encoded in keys, so record `a/b` never stands in the way of record `a/b/c`. */
const RECORD_SUFFIX = '~record';
const STALE_STAGING_MS = 24 * 3600 * 1000;

/**
 * Object store on a local file system: `objects/ab/<sha256>` and `records/<key>`, two trees.
 *
 * What a call has acknowledged is fsynced, the file's name too. Several processes may use one directory at once: files
 * appear whole, under their final name, by link(2), which lets exactly one writer create a record. The directory must lie on
 * one file system that has hard links. Storing bytes whose file has rotted mends the file.
 *
 * The `uri` of a reference is `sha256:<hex>`, without the directory, so that a reference written into another artifact
 * reads the same on every machine.
 */
export function createFileObjectStore(directory: string): ObjectStore {
  const root = path.resolve(directory);
  const objects = path.join(root, 'objects');
  const records = path.join(root, 'records');
  const staging = path.join(root, 'staging');
  let swept: Promise<void> | undefined;

  function objectPath(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      throw new TitrateError('usage', {
        what: `'${String(sha256).slice(0, 80)}' is not a sha256 of 64 lower-case hexadecimal digits`,
      });
    }
    return path.join(objects, sha256.slice(0, 2), sha256);
  }
  const recordPath = (key: string) => path.join(records, encodeRecordKey(key) + RECORD_SUFFIX);
  const reference = (sha256: string, bytes: number, mediaType: string): ArtifactRef => ({
    uri: `sha256:${sha256}`,
    sha256,
    bytes,
    mediaType,
  });
  const missing = (sha256: string) =>
    new TitrateError('artifact-missing', {
      what: `no object with sha256 ${sha256}`,
      where: root,
      remedy: 'Restore the object directory, or run the step that made it again',
    });
  const corrupt = (sha256: string, found: string) =>
    new TitrateError('artifact-corrupt', {
      what: `the file should hash to ${sha256} and hashes to ${found}`,
      where: objectPath(sha256),
      remedy: 'Restore it from a backup, or delete it and run the step that made it again',
    });

  /** Whether a whole, healthy object is there already. */
  async function isHealthy(sha256: string, bytes: number): Promise<boolean> {
    const found = await stat(objectPath(sha256)).catch(() => null);
    if (found?.size !== bytes) return false;
    return (await hashFile(objectPath(sha256)))?.sha256 === sha256;
  }

  async function openChecked(sha256: string) {
    try {
      return await open(objectPath(sha256), 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw missing(sha256);
      throw error;
    }
  }

  async function listEncoded(folder: string, prefix: string, into: string[]): Promise<void> {
    let entries;
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      throw error;
    }
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory())
        await listEncoded(path.join(folder, entry.name), `${prefix}${entry.name}/`, into);
      else if (entry.name.endsWith(RECORD_SUFFIX))
        into.push(prefix + entry.name.slice(0, -RECORD_SUFFIX.length));
    }
  }

  return {
    async put(data, mediaType) {
      const sha256 = hashBytes(data);
      const target = objectPath(sha256);
      await makeDurableDirectory(path.dirname(target));
      if (!(await createFileExclusive(target, data)) && !(await isHealthy(sha256, data.byteLength))) {
        await writeFileAtomic(target, data);
      }
      // Also when another writer got there first: it may not have synced the folder yet.
      await syncDirectory(path.dirname(target));
      return reference(sha256, data.byteLength, mediaType);
    },

    async putStream(data, mediaType) {
      swept ??= sweepStale(staging, STALE_STAGING_MS);
      await swept;
      const staged = await stageStream(staging, data);
      try {
        const target = objectPath(staged.sha256);
        if (!(await staged.linkTo(target)) && !(await isHealthy(staged.sha256, staged.bytes)))
          await staged.replace(target);
        await syncDirectory(path.dirname(target));
      } finally {
        await staged.discard();
      }
      return reference(staged.sha256, staged.bytes, mediaType);
    },

    async get({ sha256 }) {
      const handle = await openChecked(sha256);
      try {
        const bytes = await handle.readFile();
        const found = hashBytes(bytes);
        if (found !== sha256) throw corrupt(sha256, found);
        return bytes;
      } finally {
        await handle.close();
      }
    },

    async openRead({ sha256 }) {
      const handle = await openChecked(sha256);
      const verified: Readable = pipeline(
        handle.createReadStream(),
        verifyingStream(sha256, (found) => corrupt(sha256, found)),
        // The reader of the stream sees the error; there is nobody else to tell.
        () => undefined,
      );
      return verified;
    },

    async has(sha256) {
      return (await stat(objectPath(sha256)).catch(() => null))?.isFile() ?? false;
    },

    async localPath({ sha256 }) {
      const found = await hashFile(objectPath(sha256));
      if (!found) throw missing(sha256);
      if (found.sha256 !== sha256) throw corrupt(sha256, found.sha256);
      return objectPath(sha256);
    },

    async createRecord(key, data) {
      const target = recordPath(key);
      await makeDurableDirectory(path.dirname(target));
      const created = await createFileExclusive(target, data);
      await syncDirectory(path.dirname(target));
      return created;
    },

    async readRecord(key) {
      try {
        return await readFile(recordPath(key));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return null;
        throw error;
      }
    },

    async listRecords(prefix) {
      if (prefix !== '' && !prefix.endsWith('/')) {
        throw new TitrateError('usage', { what: `the prefix '${prefix}' does not end in '/'` });
      }
      const at = prefix === '' ? '' : `${encodeRecordKey(prefix.slice(0, -1))}/`;
      const encoded: string[] = [];
      await listEncoded(path.join(records, at), at, encoded);
      return encoded.map(decodeRecordKey).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    },
  };
}
