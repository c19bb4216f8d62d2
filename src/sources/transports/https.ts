import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { TitrateError } from '../../contracts';
import { httpGet, parseHttpUrl, shownUrl, type HeadersByHost, type HttpRequestOptions } from './http-request';
import { resumingStream } from './resuming-stream';
import {
  DEFAULT_RETRY_POLICY,
  holdErrors,
  streamOf,
  type RetryPolicy,
  type SourceTransport,
} from './transport';

export interface HttpsOptions {
  readonly headersByHost?: HeadersByHost;
  readonly policy?: Partial<RetryPolicy>;
}

/** What an answer says about the whole of the bytes. */
interface Representation {
  readonly version: string | null;
  /** For If-Range; null where it says nothing that stands for the very bytes. */
  readonly validator: string | null;
  readonly total?: number;
}

/** `bytes 100-199/200` */
const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+)$/;

/**
 * A strong ETag stands for the bytes; a date does where the server's clock had moved on since (RFC 9110, 8.8.2.2). An answer that
 * is encoded on the way is decoded by `fetch`: its length and its ETag are those of other bytes.
 */
function representationOf(response: Response): Representation {
  const { headers } = response;
  const encoding = headers.get('content-encoding');
  if (encoding && encoding.toLowerCase() !== 'identity') return { version: null, validator: null };
  const range = CONTENT_RANGE.exec(headers.get('content-range') ?? '');
  const length = response.status === 206 ? range?.[3] : headers.get('content-length');
  const total = length != null && /^\d+$/.test(length) ? Number(length) : undefined;
  const etag = headers.get('etag');
  if (etag) return { version: etag, validator: etag.startsWith('"') ? etag : null, total };
  const modified = headers.get('last-modified');
  if (!modified || Number.isNaN(Date.parse(modified))) return { version: null, validator: null, total };
  const settled = Date.parse(headers.get('date') ?? '') - Date.parse(modified) >= 1000;
  return { version: `${modified}; ${total ?? 'unknown'} bytes`, validator: settled ? modified : null, total };
}

/** What to send as If-Range for a version of ours. */
const validatorOf = (version: string): string | null =>
  version.startsWith('"') ? version : (/^(.*); (?:\d+|unknown) bytes$/.exec(version)?.[1] ?? null);

const bodyOf = (response: Response): Readable =>
  response.body ? Readable.fromWeb(response.body as ReadableStream) : Readable.from([]);

/** Drops the first byte of a stream. */
function withoutFirstByte(stream: Readable): Readable {
  holdErrors(stream);
  async function* rest(): AsyncGenerator<Buffer> {
    let dropped = false;
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (dropped) yield piece;
      else if (piece.length > 0) {
        dropped = true;
        if (piece.length > 1) yield piece.subarray(1);
      }
    }
  }
  return streamOf(rest(), () => stream.destroy());
}

/**
 * Files behind https:// (http:// for this machine only), by GET. Goes on where it broke off by Range and If-Range; a source that
 * has changed starts anew. An answer shorter or longer than it said is an error.
 */
export function createHttpsTransport(options: HttpsOptions = {}): SourceTransport {
  const policy: RetryPolicy = { ...DEFAULT_RETRY_POLICY, ...options.policy };

  /** The bytes from `offset` of exactly this version; null where the server does not give them. */
  async function openRange(url: URL, offset: number, version: string, request: HttpRequestOptions) {
    const validator = validatorOf(version);
    if (validator === null) return null;
    // From one byte before, so that a source read to its end already is no range without a byte (416).
    const headers = { ...PLAIN, range: `bytes=${offset - 1}-`, 'if-range': validator };
    const response = await httpGet(url, headers, request);
    const found = representationOf(response);
    const range = CONTENT_RANGE.exec(response.headers.get('content-range') ?? '');
    const same = found.version === version && Number(range?.[1]) === offset - 1;
    if (response.status === 206 && same && Number(range![2]) + 1 === found.total)
      return { part: withoutFirstByte(bodyOf(response)), total: found.total };
    if (response.status === 200) return { part: null, whole: response, found };
    await response.body?.cancel();
    return null;
  }

  async function openWhole(url: URL, request: HttpRequestOptions) {
    const response = await httpGet(url, PLAIN, request);
    if (response.status === 200) return { part: null, whole: response, found: representationOf(response) };
    await response.body?.cancel();
    throw new TitrateError('source-unreadable', {
      what: `the server answered ${response.status} to a plain request`,
      where: shownUrl(url),
      remedy: 'Its server contradicts itself: fetch the file by other means',
    });
  }

  return {
    kind: 'https',
    resumable: true,
    accepts: (uri) => /^https?:\/\//i.test(uri),
    async open({ uri }, { resume, signal }) {
      const url = parseHttpUrl(uri);
      const where = shownUrl(url);
      const request: HttpRequestOptions = { headersByHost: options.headersByHost, policy, signal };

      const reopen = (version: string) => async (offset: number, ended: AbortSignal) => {
        const rest = { ...request, signal: ended };
        const again = offset > 0 ? await openRange(url, offset, version, rest) : await openWhole(url, rest);
        if (again?.part) return again.part;
        if (offset === 0 && again?.found.version === version) return bodyOf(again.whole);
        await again?.whole.body?.cancel();
        if (again?.found.version === version) {
          throw new TitrateError('unavailable', {
            what: `the source broke off after ${offset} bytes, and its server does not let reading go on from there`,
            where,
            remedy: 'Try again; it starts anew',
          });
        }
        throw new TitrateError('conflict', {
          what: 'the source changed while it was read',
          where,
          remedy: 'Try again; it starts anew',
        });
      };

      const ranged =
        resume && resume.offset > 0 ? await openRange(url, resume.offset, resume.version, request) : null;
      if (ranged?.part) {
        const { offset, version } = resume!;
        const stream = resumingStream({ where, first: ranged.part, start: offset, total: ranged.total, reopen: reopen(version), policy, signal }); // prettier-ignore
        return { stream, bytes: ranged.total, version, start: offset };
      }
      const { whole, found } = ranged ?? (await openWhole(url, request));
      const { version, validator, total } = found;
      const goesOn = validator !== null && whole.headers.get('accept-ranges')?.toLowerCase() !== 'none';
      const stream = resumingStream({
        ...{ where, first: bodyOf(whole), start: 0, total, policy, signal },
        ...(goesOn ? { reopen: reopen(version!) } : {}),
      });
      return { stream, bytes: total, version, start: 0 };
    },
  };
}

/** The bytes as they lie there: hashes are of those. */
const PLAIN = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'titrate' };
