import type { Readable } from 'node:stream';
import type { ArtifactRef } from '../../contracts';
import type { ObjectStore } from '../../objects';
import type { Metrics } from '../metrics/metrics';

/** The size of what a reference names, where it says so: a bare hash does not. */
const sizeOf = (ref: object): number => (ref as Partial<ArtifactRef>).bytes ?? 0;

/** An object store whose operations and bytes are counted. A stream is counted by the size that its reference tells. */
export function observeObjectStore(
  objects: ObjectStore,
  { objects: metrics }: Pick<Metrics, 'objects'>,
): ObjectStore {
  async function count<T>(operation: string, work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      metrics.operations.inc({ operation, outcome: 'ok' });
      return result;
    } catch (error) {
      metrics.operations.inc({ operation, outcome: 'failed' });
      throw error;
    }
  }
  const read = (bytes: number) => metrics.bytes.inc({ direction: 'read' }, bytes);
  const written = (bytes: number) => metrics.bytes.inc({ direction: 'written' }, bytes);

  async function stored(operation: string, work: Promise<ArtifactRef>): Promise<ArtifactRef> {
    const ref = await count(operation, work);
    written(ref.bytes);
    return ref;
  }

  return {
    put: (data, mediaType) => stored('put', objects.put(data, mediaType)),
    putStream: (data, mediaType) => stored('put-stream', objects.putStream(data, mediaType)),
    land: (data, mediaType) => stored('land', objects.land(data, mediaType)),
    async get(ref) {
      const data = await count('get', objects.get(ref));
      read(data.length);
      return data;
    },
    async openRead(ref): Promise<Readable> {
      const stream = await count('open-read', objects.openRead(ref));
      read(sizeOf(ref));
      return stream;
    },
    has: (sha256) => count('has', objects.has(sha256)),
    renew: (sha256) => count('renew', objects.renew(sha256)),
    localPath: (ref) => count('local-path', objects.localPath(ref)),
    externalUri: (sha256) => objects.externalUri(sha256),
    promote: (sha256) => count('promote', objects.promote(sha256)),
    expireLandings: (olderThanMs, options) =>
      count('expire-landings', objects.expireLandings(olderThanMs, options)),
    listObjects: () => objects.listObjects(),
    deleteObject: (sha256, untouchedSince) => count('delete', objects.deleteObject(sha256, untouchedSince)),
    async createRecord(key, data) {
      const created = await count('create-record', objects.createRecord(key, data));
      if (created) written(data.length);
      return created;
    },
    async readRecord(key) {
      const data = await count('read-record', objects.readRecord(key));
      read(data?.length ?? 0);
      return data;
    },
    listRecords: (prefix) => count('list-records', objects.listRecords(prefix)),
  };
}
