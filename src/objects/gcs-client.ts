import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileMetadata } from '@google-cloud/storage';
import { TitrateError } from '../contracts';
import { connectGcs, type GcsConnection, type GcsOptions } from './gcs-connection';
import { backOff, DEFAULT_RETRY, explainGcsError, mayPass, request, STALL_MS, statusOf } from './gcs-retry';

/** Larger uploads are resumable: a broken connection costs a chunk, not the file. Bytes. */
const RESUMABLE_FROM = 8 << 20;
const CHUNK_BYTES = 16 << 20;
const LIST_PAGE = 1000;
/** An object of the bucket as the server describes it. */
export interface GcsFile {
  readonly name: string;
  readonly bytes: number;
  /** base64; absent on composed objects. */
  readonly md5?: string;
  readonly generation: string;
  readonly metageneration: string;
  /** ms since the epoch: the latest of its creation, its last change of metadata, and its custom time. */
  readonly touchedAt: number;
  /** Who created the record: a nonce. */
  readonly writer?: string;
}

/** Bytes to be uploaded, which can be read as often as a retry needs. */
export interface UploadSource {
  readonly bytes: number;
  /** base64. */
  readonly md5: string;
  open(): Readable;
}

export interface UploadOptions {
  /** '0': only where nothing is; else only over this generation. */
  readonly ifGenerationMatch: string;
  readonly contentType: string;
  /** Sets the custom time that the lifecycle of landings counts from. */
  readonly customTime?: Date;
  readonly writer?: string;
}

export type GcsClient = ReturnType<typeof createGcsClient>;

const describe = (metadata: FileMetadata): GcsFile => ({
  name: String(metadata.name),
  bytes: Number(metadata.size ?? 0),
  md5: metadata.md5Hash,
  generation: String(metadata.generation),
  metageneration: String(metadata.metageneration),
  touchedAt: Math.max(
    ...[metadata.timeCreated, metadata.updated, metadata.customTime].map((at) => (at ? Date.parse(at) : 0)),
  ),
  writer: metadata.metadata?.writer as string | undefined,
});

/** Whether the stored bytes are these, by the server's checksum. */
export function sameBytes(file: GcsFile, source: Pick<UploadSource, 'bytes' | 'md5'>): boolean {
  return file.bytes === source.bytes && file.md5 === source.md5;
}

/** md5 as Cloud Storage writes it. (Its crc32c costs ten times as much in JavaScript, and says no more.) */
export const md5Of = (data: Uint8Array) => createHash('md5').update(data).digest('base64');

/** Bytes in memory as an upload. */
export function sourceOf(data: Uint8Array): UploadSource {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { bytes: bytes.length, md5: md5Of(bytes), open: () => Readable.from([bytes]) };
}

/**
 * The few operations the store needs of Cloud Storage, each under its preconditions and retried here: the library's own retries
 * are off but for the chunks of a resumable upload, because it forgets preconditions when it continues a copy and gives up on refused connections.
 */
export function createGcsClient(options: GcsOptions) {
  const { bucket: bucketName, retry = DEFAULT_RETRY } = options;
  const where = (name: string) => `gs://${bucketName}/${name}`;
  let connected: Promise<GcsConnection> | undefined;
  const connect = () => (connected ??= connectGcs(options, retry.attempts));

  let checked: Promise<unknown> | undefined;
  /** Once: a bucket that is not there, or not ours, is told from an object that is not there. Needs no right but listing. */
  async function ready() {
    const { once } = await connect();
    checked ??= request(retry, `gs://${bucketName}`, () =>
      once.getFiles({ prefix: options.prefix ?? '', maxResults: 1, autoPaginate: false }),
    ).catch((error: unknown) => {
      checked = undefined;
      throw error;
    });
    await checked;
    return connect();
  }

  async function stat(name: string): Promise<GcsFile | null> {
    const { once } = await ready();
    return request<GcsFile | null>(
      retry,
      where(name),
      async () => describe((await once.file(name).getMetadata())[0] as FileMetadata),
      { answers: [404], onAnswer: () => null },
    );
  }

  /** @returns null when the precondition did not hold: something else is there (which may be what an unanswered try of ours left). */
  async function upload(name: string, source: UploadSource, by: UploadOptions): Promise<GcsFile | null> {
    const { once, resuming } = await ready();
    const resumable = source.bytes > RESUMABLE_FROM;
    return request<GcsFile | null>(
      retry,
      where(name),
      async () => {
        const file = (resumable ? resuming : once).file(name);
        const writing = file.createWriteStream({
          resumable,
          ...(resumable && { chunkSize: CHUNK_BYTES }),
          validation: false, // the library deletes what fails it; here the server checks, and its answer is compared
          contentType: by.contentType,
          preconditionOpts: { ifGenerationMatch: by.ifGenerationMatch },
          metadata: {
            md5Hash: source.md5,
            ...(by.customTime && { customTime: by.customTime.toISOString() }),
            ...(by.writer && { metadata: { writer: by.writer } }),
          },
        });
        await pipeline(source.open(), writing).catch((error: unknown) => {
          // A session of a resumable upload that the server has forgotten is begun anew.
          const forgotten = resumable && [404, 410].includes(statusOf(error) ?? 0);
          throw forgotten
            ? Object.assign(new Error('the upload session is gone'), { code: 'SESSION' })
            : error;
        });
        const stored = describe(file.metadata);
        if (sameBytes(stored, source)) return stored;
        await remove(stored);
        throw Object.assign(new Error(`${source.bytes} bytes arrived damaged`), { code: 'DAMAGED' });
      },
      { answers: [412], onAnswer: () => null, unbounded: resumable },
    );
  }

  /**
   * The bytes of an object, in flat memory; a connection that breaks is taken up where it broke. Throws a plain 404 before the first byte.
   * @param onSums is told the server's checksums (`crc32c=…,md5=…`).
   */
  async function* read(name: string, onSums?: (sums: string) => void): AsyncGenerator<Buffer> {
    const { once } = await ready();
    const stallMs = retry.stallMs ?? STALL_MS;
    let at = 0;
    for (let attempt = 1; ; attempt++) {
      let expected: number | undefined;
      let timer: NodeJS.Timeout | undefined;
      const stream = once
        .file(name)
        .createReadStream({ validation: false, decompress: false, ...(at > 0 && { start: at }) });
      const stalled = () =>
        stream.destroy(Object.assign(new Error(`nothing arrived for ${stallMs} ms`), { code: 'DEADLINE' }));
      stream.once('response', (response: { headers: Record<string, string | undefined> }) => {
        const length = Number(response.headers['content-length'] ?? NaN);
        if (Number.isInteger(length)) expected = at + length;
        onSums?.(response.headers['x-goog-hash'] ?? '');
      });
      try {
        timer = setTimeout(stalled, stallMs);
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          clearTimeout(timer);
          at += chunk.length;
          attempt = 0; // progress
          yield chunk;
          timer = setTimeout(stalled, stallMs);
        }
        if (expected === undefined || at >= expected) return;
        throw Object.assign(new Error(`${at} of ${expected} bytes arrived`), { code: 'ECONNRESET' });
      } catch (error) {
        if (statusOf(error) === 404 && at === 0) throw error;
        if (!mayPass(error) || attempt >= retry.attempts) throw explainGcsError(error, where(name));
      } finally {
        clearTimeout(timer);
        stream.destroy();
      }
      await backOff(retry, Math.max(attempt, 1));
    }
  }

  /** Sets the object's custom time to now. @returns false when that generation is not there any more. */
  async function touch(file: GcsFile): Promise<boolean> {
    const { once } = await ready();
    const now = new Date();
    const answer = await request<boolean | 'refused'>(
      retry,
      where(file.name),
      async () => {
        await once.file(file.name).setMetadata({ customTime: now.toISOString() } as FileMetadata, {
          ifGenerationMatch: file.generation,
        });
        return true;
      },
      { answers: [400, 404, 412], onAnswer: (status) => status === 400 && 'refused' },
    );
    if (answer !== 'refused') return answer;
    // A custom time never goes back: another writer's clock is ahead, and its touch stands for ours.
    const seen = await stat(file.name);
    if (seen && seen.touchedAt < now.getTime()) {
      throw new TitrateError('internal', {
        what: 'Cloud Storage refuses to set the custom time of the object (400)',
        where: where(file.name),
        remedy: 'Please report this',
      });
    }
    return seen?.generation === file.generation;
  }

  /** Deletes the object as it was seen: not if it has been replaced or touched since. @returns whether it is gone. */
  async function remove(file: GcsFile): Promise<boolean> {
    const { once } = await ready();
    return request<boolean>(
      retry,
      where(file.name),
      async () => {
        await once.file(file.name).delete({
          ifGenerationMatch: file.generation,
          ifMetagenerationMatch: file.metageneration,
        });
        return true;
      },
      { answers: [404, 412], onAnswer: (status) => status === 404 },
    );
  }

  /** Copies on the server. @returns 'gone' without a source, 'taken' when the precondition on the target did not hold. */
  async function copy(
    from: GcsFile,
    to: string,
    ifGenerationMatch: string,
  ): Promise<'copied' | 'gone' | 'taken'> {
    const { once } = await ready();
    return request<'copied' | 'gone' | 'taken'>(
      retry,
      where(from.name),
      async () => {
        let rewriteToken: string | undefined;
        do {
          const answer = await new Promise<{ done?: boolean; rewriteToken?: string }>((resolve, reject) =>
            once.file(from.name).request(
              {
                method: 'POST',
                uri: `/rewriteTo/b/${bucketName}/o/${encodeURIComponent(to)}`,
                qs: { ifGenerationMatch, sourceGeneration: from.generation, rewriteToken },
              },
              (error, body) => (error ? reject(error) : resolve(body as { rewriteToken?: string })),
            ),
          );
          rewriteToken = answer.rewriteToken || undefined;
        } while (rewriteToken !== undefined);
        return 'copied';
      },
      { answers: [404, 412], onAnswer: (status) => (status === 404 ? 'gone' : 'taken'), unbounded: true },
    );
  }

  /** Everything under a prefix, page by page, in the order of names. */
  async function* list(prefix: string): AsyncGenerator<GcsFile> {
    const { once } = await ready();
    let pageToken: string | undefined;
    do {
      const [files, next] = await request(retry, where(prefix), () =>
        once.getFiles({ prefix, maxResults: LIST_PAGE, autoPaginate: false, pageToken }),
      );
      for (const file of files) yield describe(file.metadata);
      pageToken = (next as { pageToken?: string } | null)?.pageToken;
    } while (pageToken);
  }

  return { where, stat, upload, read, touch, remove, copy, list };
}
