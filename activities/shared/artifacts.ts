import { MEDIA_TYPES, type ArtifactRef } from '../../src/contracts';
import { decodeNdjson, encodeNdjson } from '../../src/foundation';
import type { ObjectStore } from '../../src/objects';

/** JSON and NDJSON artifacts, read and written. */
export function jsonArtifacts(objects: ObjectStore) {
  return {
    putJson: (value: unknown): Promise<ArtifactRef> =>
      objects.put(Buffer.from(JSON.stringify(value)), MEDIA_TYPES.json),
    putRows: (rows: Iterable<unknown>): Promise<ArtifactRef> =>
      objects.put(encodeNdjson(rows), MEDIA_TYPES.ndjson),
    getJson: async <T>(ref: Pick<ArtifactRef, 'sha256'>): Promise<T> =>
      JSON.parse((await objects.get(ref)).toString('utf8')) as T,
    getRows: async <T>(ref: Pick<ArtifactRef, 'sha256'>): Promise<T[]> =>
      decodeNdjson<T>(await objects.get(ref)),
  };
}
