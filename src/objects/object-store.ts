import type { Readable } from 'node:stream';
import type { ArtifactRef } from '../contracts';

/** A stored object as a listing shows it. */
export interface StoredObject {
  readonly sha256: string;
  /** Size, bytes. */
  readonly bytes: number;
  /** When it was last stored (also: stored again, being there already), ms since the epoch. */
  readonly touchedAt: number;
}

/**
 * Bytes under their own hash, and small named records that are created once and never changed.
 * Adapters: files, Google Cloud Storage. Every adapter passes tests/contract/object-store.
 */
export interface ObjectStore {
  /** Stores bytes; storing the same bytes twice is one object. Storing what is there already counts as touching it. */
  put(data: Uint8Array, mediaType: string): Promise<ArtifactRef>;
  /** Stores a stream of any length in flat memory. */
  putStream(data: Readable, mediaType: string): Promise<ArtifactRef>;
  /** @throws TitrateError artifact-missing, or artifact-corrupt when the bytes do not hash to `ref.sha256`. */
  get(ref: Pick<ArtifactRef, 'sha256'>): Promise<Buffer>;
  openRead(ref: Pick<ArtifactRef, 'sha256'>): Promise<Readable>;
  has(sha256: string): Promise<boolean>;
  /**
   * `has`, and touches the object wherever it lies: whoever goes on to use one that is there already calls this, so that a prune
   * that has already decided on it spares it.
   */
  renew(sha256: string): Promise<boolean>;
  /** Path of a local file with these bytes, for engines that read files (DuckDB). Read-only. */
  localPath(ref: Pick<ArtifactRef, 'sha256'>): Promise<string>;
  /** A uri other services can read the object by (`gs://…`); null where there is none. */
  externalUri(sha256: string): string | null;

  /**
   * Stores a stream in the temporary area: an object like any other, until `expireLandings` takes it away. What is permanent
   * already stays so.
   */
  land(data: Readable, mediaType: string): Promise<ArtifactRef>;
  /** Makes a landed object permanent; one that is permanent already stays so. @throws artifact-missing. */
  promote(sha256: string): Promise<void>;
  /** Deletes landings nobody promoted or touched within `olderThanMs`; with `dryRun` only finds them. @returns their hashes, sorted. */
  expireLandings(olderThanMs: number, options?: { readonly dryRun?: boolean }): Promise<string[]>;

  /** Every permanent object, in no particular order. */
  listObjects(): AsyncIterable<StoredObject>;
  /**
   * Deletes a permanent object unless it was touched at or after `untouchedSince` (ms since the epoch), also by a writer at this very moment.
   * @returns whether it is gone.
   */
  deleteObject(sha256: string, untouchedSince: number): Promise<boolean>;

  /**
   * Creates the record `key` (`a/b/c` of [A-Za-z0-9._=-] parts; other characters are percent-encoded) if it is not there.
   * @returns true for the one writer that created it.
   */
  createRecord(key: string, data: Uint8Array): Promise<boolean>;
  readRecord(key: string): Promise<Buffer | null>;
  /** Keys under a prefix that ends in '/', sorted. */
  listRecords(prefix: string): Promise<string[]>;
}
