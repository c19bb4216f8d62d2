import { pipeline, Readable, Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { File, Storage } from '@google-cloud/storage';
import { TitrateError } from '../../contracts';
import { explainCloudError } from './cloud-errors';
import { httpGet } from './http-request';
import { resumingStream } from './resuming-stream';
import { DEFAULT_RETRY_POLICY, throwIfAborted, type RetryPolicy, type SourceTransport } from './transport';

export interface GcsSourceOptions {
  /** Default: the project of the credentials. */
  readonly projectId?: string;
  /** Another server than storage.googleapis.com. Credentials go to https endpoints only. */
  readonly endpoint?: string;
  readonly policy?: Partial<RetryPolicy>;
}

const ROLES = 'the role Storage Object Viewer on the bucket';
const GS_URI = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])\/([^\n\r]+)$/;

function parseGsUri(uri: string): { bucket: string; name: string } {
  const match = GS_URI.exec(uri);
  if (match && !match[2]!.endsWith('/')) return { bucket: match[1]!, name: match[2]! };
  throw new TitrateError('config-invalid', {
    what: `'${uri}' names no object`,
    remedy: 'Write gs://bucket/folder/file; one source each',
  });
}

/**
 * Objects of Google Cloud Storage: gs://bucket/object. The generation found at first is the one that is read to the end, also by a
 * later call that goes on from an offset; bytes come as they are stored (no gunzip on the way). CRC32C is checked.
 */
export function createGcsTransport(options: GcsSourceOptions = {}): SourceTransport {
  const policy: RetryPolicy = { ...DEFAULT_RETRY_POLICY, ...options.policy };
  const { endpoint, projectId } = options;
  let loaded:
    Promise<{ storage: Storage; CRC32C: typeof import('@google-cloud/storage').CRC32C }> | undefined;
  const load = () =>
    (loaded ??= import('@google-cloud/storage').then(({ Storage, CRC32C }) => ({
      CRC32C,
      storage: new Storage({
        projectId,
        ...(endpoint && { apiEndpoint: endpoint, useAuthWithCustomEndpoint: endpoint.startsWith('https:') }),
        retryOptions: {
          autoRetry: policy.retries > 0,
          maxRetries: policy.retries,
          maxRetryDelay: policy.longestWaitMs / 1000,
        },
      }),
    })));

  /** One stored generation, and how its bytes are asked for. */
  interface Generation {
    readonly storage: Storage;
    readonly file: File;
    readonly bytes: number;
    /** Stored with Content-Encoding: gzip. */
    readonly encoded: boolean;
    readonly where: string;
  }

  /**
   * Bytes from `start`. By fetch, which closes its connection when nobody reads on; the client's own stream leaves it open. Only that one
   * hands out what is stored encoded without decoding it.
   */
  async function streamFrom(generation: Generation, start: number, signal?: AbortSignal): Promise<Readable> {
    const { storage, file, bytes, encoded, where } = generation;
    // A range without a byte is refused by the server.
    if (start >= bytes) return Readable.from([]);
    if (encoded) return file.createReadStream({ start, validation: false, decompress: false });
    const { bucket, name } = file;
    const url = new URL(
      `${storage.apiEndpoint}/storage/v1/b/${bucket.name}/o/${encodeURIComponent(name)}?alt=media&generation=${file.generation}`,
    );
    const authorised = url.protocol === 'https:';
    const granted = authorised ? await storage.authClient.getRequestHeaders(url.href) : {};
    const headers = { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) };
    const response = await httpGet(url, headers, { policy, signal, headersByHost: { [url.host]: granted } });
    if (response.status === (start > 0 ? 206 : 200) && response.body)
      return Readable.fromWeb(response.body as ReadableStream);
    await response.body?.cancel();
    throw new TitrateError('unavailable', {
      what: `the server answered ${response.status} to a request for the bytes from ${start} of ${bytes}`,
      where,
      remedy: 'Try again',
    });
  }

  return {
    kind: 'gs',
    resumable: true,
    accepts: (uri) => /^gs:\/\//i.test(uri),
    async open({ uri }, { resume, signal }) {
      const { bucket, name } = parseGsUri(uri);
      const { storage, CRC32C } = await load();
      throwIfAborted(signal, uri);
      const head = storage.bucket(bucket).file(name);
      let metadata;
      try {
        [metadata] = await head.getMetadata();
      } catch (error) {
        throw explainCloudError(error, uri, ROLES);
      }
      throwIfAborted(signal, uri);
      const version = `generation ${metadata.generation}`;
      const bytes = Number(metadata.size);
      const file = storage
        .bucket(bucket, { userProject: projectId })
        .file(name, { generation: String(metadata.generation) });
      const start = resume?.version === version && resume.offset <= bytes ? resume.offset : 0;

      const encoded = metadata.contentEncoding === 'gzip';
      const generation: Generation = { storage, file, bytes, encoded, where: uri };
      const streamAt = async (offset: number, ended?: AbortSignal) => {
        try {
          return await streamFrom(generation, offset, ended);
        } catch (error) {
          if (!(error instanceof TitrateError) || error.code !== 'source-missing')
            throw explainCloudError(error, uri, ROLES);
          throw new TitrateError('conflict', {
            what: `${version} was deleted or replaced while it was read`,
            where: uri,
            remedy: 'Try again; it starts anew',
          });
        }
      };
      const { crc32c } = metadata;
      const wholeCheck = () => {
        const found = new CRC32C();
        return new Transform({
          transform(piece: Buffer, _encoding, done) {
            found.update(piece);
            done(null, piece);
          },
          flush(done) {
            const good = crc32c === undefined || found.validate(crc32c);
            const what = `the bytes read have CRC32C ${found.toString()} and those stored ${crc32c}`;
            done(good ? null : new TitrateError('unavailable', { what, where: uri, remedy: 'Try again' }));
          },
        });
      };
      const pieces = resumingStream({
        ...{ where: uri, first: await streamAt(start, signal), start, total: bytes },
        ...{ reopen: streamAt, policy, signal },
      });
      if (start > 0) return { stream: pieces, bytes, version, start, wholeCheck };
      // The reader of the stream sees its errors; there is nobody else to tell.
      const checked = pipeline(pieces, wholeCheck(), () => undefined);
      return { stream: checked, bytes, version, start };
    },
  };
}
