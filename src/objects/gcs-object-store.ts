import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { TitrateError } from '../contracts';
import { sha256 as hashBytes } from '../foundation';
import { stageStream, sweepStale, verifyingStream, type StagedFile } from './durable-files';
import { createFileCache } from './file-cache';
import { checkSha256, type Area } from './file-places';
import { createGcsClient, sameBytes, sourceOf, type GcsFile, type UploadSource } from './gcs-client';
import { namePrefix, type GcsOptions } from './gcs-connection';
import { createGcsRecords } from './gcs-records';
import { statusOf } from './gcs-retry';
import type { ObjectStore } from './object-store';
import { referenceTo } from './reference';

export interface GcsObjectStoreOptions extends GcsOptions {
  /** Folder for downloads that engines read as files, and for streams on their way up. */
  readonly cacheDirectory: string;
  /** Downloads kept, bytes. Default 10 GiB. */
  readonly maxCacheBytes?: number;
  /** Told of each look-up of a download. */
  readonly onCacheLookup?: (outcome: 'hit' | 'miss') => void;
  /** Told the size of all downloads after each that was added. */
  readonly onCacheBytes?: (bytes: number) => void;
}

const DEFAULT_CACHE_BYTES = 10 * 2 ** 30;
const STALE_STAGING_MS = 24 * 3600 * 1000;
/** From this size on, looking whether the bytes are there already is cheaper than sending them. Bytes. */
const LOOK_FIRST_FROM = 256 * 1024;
/** `renew` leaves an object alone that was touched so lately, ms: Cloud Storage takes one change of an object a second. */
const RENEW_AFTER_MS = 10 * 60_000;
const READ_ATTEMPTS = 2;

/**
 * Object store in a Cloud Storage bucket: `<prefix>objects/ab/<sha256>`, `<prefix>landing/ab/<sha256>`, `<prefix>records/<key>~record`.
 *
 * Every write has a precondition, so it can be repeated: an object is only ever created where none is, or put in the place of the
 * damaged generation that was seen; a record carries a nonce of its writer, by which a writer whose answer was lost knows its own. The server
 * checks the md5 of what it gets, and sha256 is checked on every read. Touching sets the custom time, which changes the
 * metageneration; deletions name the generation and metageneration they looked at, so they lose against any touch.
 *
 * `uri` of a reference is `sha256:<hex>`, as in every adapter. `localPath` is good for an hour. A prune whose margin is under ten minutes is
 * safe only when nobody writes (RENEW_AFTER_MS). Nothing is sent before the first call, and the client library is loaded then.
 *
 * @throws TitrateError, from every method: config-invalid (credentials, rights), not-found (the bucket), unavailable (what may pass).
 */
export function createGcsObjectStore(options: GcsObjectStoreOptions): ObjectStore {
  const prefix = namePrefix(options);
  const client = createGcsClient({ ...options, prefix });
  const staging = path.join(options.cacheDirectory, 'staging');
  const cache = createFileCache(options.cacheDirectory, options.maxCacheBytes ?? DEFAULT_CACHE_BYTES, {
    onLookup: options.onCacheLookup,
    onBytes: options.onCacheBytes,
  });
  let swept: Promise<void> | undefined;

  const nameOf = (area: Area, sha256: string) =>
    `${prefix}${area}/${checkSha256(sha256).slice(0, 2)}/${sha256}`;
  const shaIn = (name: string) => /\/([0-9a-f]{64})$/.exec(name)?.[1];
  const missing = (sha256: string) =>
    new TitrateError('artifact-missing', {
      what: `no object with sha256 ${sha256}`,
      where: client.where(prefix),
      remedy: 'Restore the deleted generation of the object, or run the step that made it again',
    });
  const corrupt = (sha256: string, found: string) =>
    new TitrateError('artifact-corrupt', {
      what: `the object should hash to ${sha256} and hashes to ${found}`,
      where: client.where(nameOf('objects', sha256)),
      remedy: 'Restore an earlier generation of the object, or delete it and run the step that made it again',
    });

  /** Makes sure that the bytes are there, undamaged, and freshly touched. */
  async function settle(
    area: Area,
    sha256: string,
    source: UploadSource,
    contentType: string,
  ): Promise<void> {
    const name = nameOf(area, sha256);
    const upload = (ifGenerationMatch: string) =>
      client.upload(name, source, { ifGenerationMatch, contentType, customTime: new Date() });
    const large = source.bytes >= LOOK_FIRST_FROM;
    let seen = large ? await client.stat(name) : null;
    for (;;) {
      if (seen === null) {
        const landed = large && area === 'objects' ? await client.stat(nameOf('landing', sha256)) : null;
        if (landed && sameBytes(landed, source)) {
          if ((await client.copy(landed, name, '0')) === 'copied') {
            await client.remove(landed);
            return;
          }
        } else if (await upload('0')) return;
      } else if (!sameBytes(seen, source)) {
        if (await upload(seen.generation)) return;
      } else if (await client.touch(seen)) return;
      seen = await client.stat(name);
    }
  }

  async function withStaged<T>(
    data: Readable,
    use: (staged: StagedFile, source: UploadSource) => Promise<T>,
  ) {
    swept ??= sweepStale(staging, STALE_STAGING_MS);
    await swept;
    const md5 = createHash('md5');
    const staged = await stageStream(staging, data, (chunk) => md5.update(chunk));
    try {
      return await use(staged, {
        bytes: staged.bytes,
        md5: md5.digest('base64'),
        open: () => createReadStream(staged.file, { highWaterMark: 1 << 18 }),
      });
    } finally {
      await staged.discard();
    }
  }

  /** The object's bytes wherever it lies. The permanent place twice: a promotion may pass while this looks. */
  async function* readAnywhere(sha256: string): AsyncGenerator<Buffer> {
    for (const area of ['objects', 'landing', 'objects'] as const) {
      try {
        return yield* client.read(nameOf(area, sha256));
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    }
    throw missing(sha256);
  }

  async function openRead(sha256: string): Promise<Readable> {
    const bytes = readAnywhere(sha256);
    // The first piece at once, so that an object that is missing fails the call and not the stream.
    const first = await bytes.next();
    async function* all() {
      if (!first.done) yield first.value;
      yield* bytes;
    }
    const verified: Readable = pipeline(
      Readable.from(all(), { objectMode: false }),
      verifyingStream(sha256, (found) => corrupt(sha256, found)),
      // The reader of the stream sees the error; there is nobody else to tell.
      () => undefined,
    );
    return verified;
  }

  async function locate(sha256: string): Promise<GcsFile | null> {
    for (const area of ['objects', 'landing', 'objects'] as const) {
      const found = await client.stat(nameOf(area, sha256));
      if (found) return found;
    }
    return null;
  }

  const renewFile = async (file: GcsFile) =>
    Date.now() - file.touchedAt < RENEW_AFTER_MS || (await client.touch(file));

  async function hashOf(name: string): Promise<string | null> {
    const hash = createHash('sha256');
    try {
      for await (const chunk of client.read(name)) hash.update(chunk);
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
    return hash.digest('hex');
  }

  /** Makes the landed copy the permanent one. @returns false when something changed meanwhile: look again. */
  async function makePermanent(sha256: string, landed: GcsFile, permanent: GcsFile | null): Promise<boolean> {
    const target = nameOf('objects', sha256);
    if (permanent === null) return (await client.copy(landed, target, '0')) === 'copied';
    const differs = permanent.bytes !== landed.bytes || permanent.md5 !== landed.md5;
    if (differs && (await hashOf(target)) !== sha256)
      return (await client.copy(landed, target, permanent.generation)) === 'copied';
    return renewFile(permanent);
  }

  return {
    async put(data, mediaType) {
      const sha256 = hashBytes(data);
      await settle('objects', sha256, sourceOf(data), mediaType);
      return referenceTo(sha256, data.byteLength, mediaType);
    },

    putStream: (data, mediaType) =>
      withStaged(data, async ({ sha256, bytes }, source) => {
        await settle('objects', sha256, source, mediaType);
        return referenceTo(sha256, bytes, mediaType);
      }),

    async get({ sha256 }) {
      for (let attempt = 1; ; attempt++) {
        const chunks: Buffer[] = [];
        for await (const chunk of readAnywhere(sha256)) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        const found = hashBytes(bytes);
        if (found === sha256) return bytes;
        // Once more: damage on the way does not come twice.
        if (attempt >= READ_ATTEMPTS) throw corrupt(sha256, found);
      }
    },

    openRead: ({ sha256 }) => openRead(sha256),

    async has(sha256) {
      return (await locate(sha256)) !== null;
    },

    localPath: async ({ sha256 }) => cache.pathOf(checkSha256(sha256), () => openRead(sha256)),

    externalUri: (sha256) => client.where(nameOf('objects', sha256)),

    land: (data, mediaType) =>
      withStaged(data, async ({ sha256, bytes }, source) => {
        const permanent = await client.stat(nameOf('objects', sha256));
        await settle(permanent ? 'objects' : 'landing', sha256, source, mediaType);
        return referenceTo(sha256, bytes, mediaType);
      }),

    async promote(sha256) {
      for (;;) {
        // The landing first: what another promotion takes from here is in the permanent place by then.
        const landed = await client.stat(nameOf('landing', sha256));
        const permanent = await client.stat(nameOf('objects', sha256));
        if (!landed && !permanent) throw missing(sha256);
        if (!landed && permanent && (await renewFile(permanent))) return;
        if (landed && (await makePermanent(sha256, landed, permanent))) {
          await client.remove(landed);
          return;
        }
      }
    },

    async expireLandings(olderThanMs, { dryRun = false } = {}) {
      const untouchedSince = Date.now() - olderThanMs;
      const expired: string[] = [];
      for await (const file of client.list(`${prefix}landing/`)) {
        const sha256 = shaIn(file.name);
        if (!sha256 || file.touchedAt >= untouchedSince) continue;
        if (!dryRun && !(await client.remove(file))) continue;
        if (!(await client.stat(nameOf('objects', sha256)))) expired.push(sha256);
      }
      return expired.sort();
    },

    async *listObjects() {
      for await (const { name, bytes, touchedAt } of client.list(`${prefix}objects/`)) {
        const sha256 = shaIn(name);
        if (sha256) yield { sha256, bytes, touchedAt };
      }
    },

    async deleteObject(sha256, untouchedSince) {
      for (;;) {
        const found = await client.stat(nameOf('objects', sha256));
        if (!found) return true;
        if (found.touchedAt >= untouchedSince) return false;
        if (await client.remove(found)) return true;
      }
    },

    async renew(sha256) {
      for (;;) {
        const found = await locate(sha256);
        if (!found) return false;
        if (await renewFile(found)) return true;
      }
    },

    ...createGcsRecords(client, `${prefix}records/`),
  };
}
