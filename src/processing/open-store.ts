import { TitrateError } from '../contracts';
import { createFileObjectStore, createGcsObjectStore, type ObjectStore } from '../objects';

export interface OpenStoreOptions {
  /** Of a server that stands in for Google Cloud Storage. */
  readonly endpoint?: string;
  /** Where a gs:// store keeps files it was asked for by path. */
  readonly cacheDirectory: string;
}

/**
 * Opens the object store that a uri names: `gs://bucket` or `gs://bucket/prefix`, or `file:` and the path of a directory.
 * @throws TitrateError usage on anything else.
 */
export function openObjectStore(
  uri: string,
  { endpoint, cacheDirectory }: OpenStoreOptions,
): ObjectStore | Promise<ObjectStore> {
  const gcs = /^gs:\/\/([^/]+)(?:\/(.*))?$/.exec(uri);
  if (gcs) return createGcsObjectStore({ bucket: gcs[1]!, prefix: gcs[2], endpoint, cacheDirectory });
  const file = /^file:(?:\/\/(?=\/))?(.+)$/.exec(uri);
  if (file) return createFileObjectStore(file[1]!);
  throw new TitrateError('usage', {
    what: `'${uri}' names no object store`,
    remedy: 'Give gs://bucket/prefix, or file: and the path of a directory',
  });
}
