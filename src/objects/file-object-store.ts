import { open } from 'node:fs/promises';
import path from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { TitrateError } from '../contracts';
import { createFileExclusive, sha256 as hashBytes, writeFileAtomic } from '../foundation';
import { hashFile, stageStream, sweepStale, verifyingStream, type StagedFile } from './durable-files';
import { createFilePlaces, type Placement } from './file-places';
import { createFileRecords } from './file-records';
import type { ObjectStore } from './object-store';
import { referenceTo } from './reference';

const STALE_STAGING_MS = 24 * 3600 * 1000;
/** A file can move (promoted, set aside) between being found and being opened; it cannot do so for ever. */
const OPEN_ATTEMPTS = 5;

/**
 * Object store on a local file system: `objects/ab/<sha256>`, `landing/ab/<sha256>` and `records/<key>`.
 *
 * What a call has acknowledged is fsynced, the file's name too. Several processes may use one directory at once: files
 * appear whole, under their final name, by link(2), which lets exactly one writer create a record. The directory must lie on
 * one file system that has hard links. Storing bytes whose file has rotted mends the file. `touchedAt` is the file's time of
 * modification. The path of a landed object is good until it is promoted or expires.
 *
 * The `uri` of a reference is `sha256:<hex>`, without the directory, so that a reference written into another artifact
 * reads the same on every machine.
 */
export function createFileObjectStore(directory: string): ObjectStore {
  const root = path.resolve(directory);
  const staging = path.join(root, 'staging');
  const places = createFilePlaces(root);
  let swept: Promise<void> | undefined;

  const missing = (sha256: string) =>
    new TitrateError('artifact-missing', {
      what: `no object with sha256 ${sha256}`,
      where: root,
      remedy: 'Restore the object directory, or run the step that made it again',
    });
  const corrupt = (sha256: string, found: string, file: string) =>
    new TitrateError('artifact-corrupt', {
      what: `the file should hash to ${sha256} and hashes to ${found}`,
      where: file,
      remedy: 'Restore it from a backup, or delete it and run the step that made it again',
    });

  /** Finds the file and does something with it that fails with null when the file is gone. */
  async function withFile<T>(sha256: string, use: (file: string) => Promise<T | null>): Promise<T> {
    for (let attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
      const file = await places.find(sha256);
      if (file === null) break;
      const used = await use(file);
      if (used !== null) return used;
    }
    throw missing(sha256);
  }
  const openFile = (sha256: string) =>
    withFile(sha256, async (file) => {
      try {
        return { file, handle: await open(file, 'r') };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    });

  async function stage(data: Readable): Promise<StagedFile & { placement: Placement }> {
    swept ??= sweepStale(staging, STALE_STAGING_MS);
    await swept;
    const staged = await stageStream(staging, data);
    return {
      ...staged,
      placement: {
        create: (target) => staged.linkTo(target),
        replace: (target) => staged.replace(target),
      },
    };
  }

  return {
    async put(data, mediaType) {
      const sha256 = hashBytes(data);
      await places.settle('objects', sha256, data.byteLength, {
        create: (target) => createFileExclusive(target, data),
        replace: (target) => writeFileAtomic(target, data),
      });
      await places.dropLanded(sha256);
      return referenceTo(sha256, data.byteLength, mediaType);
    },

    async putStream(data, mediaType) {
      const staged = await stage(data);
      try {
        await places.settle('objects', staged.sha256, staged.bytes, staged.placement);
      } finally {
        await staged.discard();
      }
      await places.dropLanded(staged.sha256);
      return referenceTo(staged.sha256, staged.bytes, mediaType);
    },

    async get({ sha256 }) {
      const { file, handle } = await openFile(sha256);
      try {
        const bytes = await handle.readFile();
        const found = hashBytes(bytes);
        if (found !== sha256) throw corrupt(sha256, found, file);
        return bytes;
      } finally {
        await handle.close();
      }
    },

    async openRead({ sha256 }) {
      const { file, handle } = await openFile(sha256);
      const verified: Readable = pipeline(
        handle.createReadStream(),
        verifyingStream(sha256, (found) => corrupt(sha256, found, file)),
        // The reader of the stream sees the error; there is nobody else to tell.
        () => undefined,
      );
      return verified;
    },

    async has(sha256) {
      return (await places.find(sha256)) !== null;
    },

    localPath: ({ sha256 }) =>
      withFile(sha256, async (file) => {
        const found = await hashFile(file);
        if (found && found.sha256 !== sha256) throw corrupt(sha256, found.sha256, file);
        return found && file;
      }),

    externalUri: () => null,

    async land(data, mediaType) {
      const staged = await stage(data);
      try {
        const area = (await places.isPermanent(staged.sha256)) ? 'objects' : 'landing';
        await places.settle(area, staged.sha256, staged.bytes, staged.placement);
      } finally {
        await staged.discard();
      }
      return referenceTo(staged.sha256, staged.bytes, mediaType);
    },

    async promote(sha256) {
      if (!(await places.promote(sha256))) throw missing(sha256);
    },

    async expireLandings(olderThanMs, { dryRun = false } = {}) {
      const untouchedSince = Date.now() - olderThanMs;
      await places.recover();
      const expired: string[] = [];
      for await (const { sha256, touchedAt } of places.list('landing')) {
        if (touchedAt >= untouchedSince) continue;
        const gone = dryRun || (await places.remove('landing', sha256, untouchedSince));
        if (gone && !(await places.isPermanent(sha256))) expired.push(sha256);
      }
      return expired.sort();
    },

    async *listObjects() {
      await places.recover();
      yield* places.list('objects');
    },

    deleteObject: (sha256, untouchedSince) => places.remove('objects', sha256, untouchedSince),
    renew: (sha256) => places.renew(sha256),
    ...createFileRecords(path.join(root, 'records')),
  };
}
