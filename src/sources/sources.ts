import type { Readable } from 'node:stream';
import type { LandedSource, SourceReading, SourceSpec } from '../contracts';
import type { SourceRecord } from './formats/source-record';

/** Bytes at a source, opened from an offset. */
export interface OpenedSource {
  readonly stream: Readable;
  /** All bytes of the source, where it says so. */
  readonly bytes?: number;
  /** Changes when the bytes change: ETag, generation, modification time and size; null: no such thing, so nothing can be resumed. */
  readonly version: string | null;
  /** The offset the stream really starts at: 0 where the source cannot skip, or has changed. */
  readonly start: number;
}

/** One way of getting at bytes. Adapters: disk, standard input, HTTPS, Google Cloud Storage, BigQuery. */
export interface Transport {
  /** Whether a uri is this transport's. */
  accepts(uri: string): boolean;
  /**
   * @param resume go on from here, if the source still is of this version
   * @throws TitrateError source-missing, source-unreadable (not allowed, not a file), unavailable (try again).
   */
  open(
    source: SourceSpec,
    options: {
      resume?: { readonly offset: number; readonly version: string };
      signal?: AbortSignal;
    },
  ): Promise<OpenedSource>;
}

/** Brings a source's bytes into the temporary area of the object store, raw, under their hash. */
export interface Landing {
  /**
   * Flat memory. What an interrupted call had fetched of the same version is not fetched again, where the transport can skip.
   * The same bytes land once.
   */
  land(
    source: SourceSpec,
    options?: {
      readonly onProgress?: (bytes: number, total?: number) => void;
      readonly signal?: AbortSignal;
    },
  ): Promise<LandedSource>;
}

/** Opens the raw bytes; may be called several times. */
export type OpenBytes = () => Promise<Readable> | Readable;

/** Records of a landed source, in its order, in flat memory. A bad record comes out as malformed and stops nothing. */
export interface ReadSourceRequest {
  readonly raw: OpenBytes;
  /** A local file of the same bytes; asked for only by formats that need one (Parquet). */
  readonly localPath: () => Promise<string>;
  readonly source: SourceSpec;
  /** What detectReading found. */
  readonly reading: SourceReading;
  /** Told the position reached in the raw bytes. */
  readonly onBytes?: (position: number) => void;
}
export type ReadSource = (request: ReadSourceRequest) => AsyncGenerator<SourceRecord>;
