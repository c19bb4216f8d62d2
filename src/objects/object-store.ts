import type { Readable } from 'node:stream';
import type { ArtifactRef } from '../contracts';

/**
 * Bytes under their own hash, and small named records that are created once and never changed.
 * Adapters: files (here), Google Cloud Storage. Every adapter passes tests/contract/object-store.
 */
export interface ObjectStore {
  /** Stores bytes; storing the same bytes twice is one object. */
  put(data: Uint8Array, mediaType: string): Promise<ArtifactRef>;
  /** Stores a stream of any length in flat memory. */
  putStream(data: Readable, mediaType: string): Promise<ArtifactRef>;
  /** @throws TitrateError artifact-missing, or artifact-corrupt when the bytes do not hash to `ref.sha256`. */
  get(ref: Pick<ArtifactRef, 'sha256'>): Promise<Buffer>;
  openRead(ref: Pick<ArtifactRef, 'sha256'>): Promise<Readable>;
  has(sha256: string): Promise<boolean>;
  /** Path of a local file with these bytes, for engines that read files (DuckDB). Read-only. */
  localPath(ref: Pick<ArtifactRef, 'sha256'>): Promise<string>;

  /**
   * Creates the record `key` (`a/b/c` of [A-Za-z0-9._=-] parts; other characters are percent-encoded) if it is not there.
   * @returns true for the one writer that created it.
   */
  createRecord(key: string, data: Uint8Array): Promise<boolean>;
  readRecord(key: string): Promise<Buffer | null>;
  /** Keys under a prefix that ends in '/', sorted. */
  listRecords(prefix: string): Promise<string[]>;
}
