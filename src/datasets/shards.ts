import { MAX_SHARD_ROWS, MEDIA_TYPES, SHARD_ROWS, type ArtifactRef, type Molecule } from '../contracts';
import { encodeNdjson } from '../foundation';
import type { ObjectStore } from '../objects';

/** Shards that are being stored at one time: enough to hide an object store's latency, few enough to stay flat in memory. */
const IN_FLIGHT = 8;
/** Hexadecimal digits of a moleculeId that decide on a boundary; the last ones, for the first ones order the molecules. */
const DIGITS = 8;

/**
 * Whether a shard ends after this molecule: a property of its id alone, true for 1 in SHARD_ROWS. So molecules that come or go
 * change the shard they are in, and seldom a neighbour of it; the rest keep their bytes, and with them their cached features.
 */
export function endsShard(moleculeId: string): boolean {
  return Number.parseInt(moleculeId.slice(-DIGITS), 16) % SHARD_ROWS === 0;
}

/** Cuts molecules that come in the order of their ids into shards, and stores them. */
export function createShardWriter(objects: ObjectStore) {
  let shard: Molecule[] = [];
  const stored: Promise<ArtifactRef>[] = [];
  const inFlight = new Set<Promise<unknown>>();

  async function flush(): Promise<void> {
    if (!shard.length) return;
    const storing = objects.put(encodeNdjson(shard), MEDIA_TYPES.ndjson);
    shard = [];
    stored.push(storing);
    const settled: Promise<unknown> = storing.then(
      () => inFlight.delete(settled),
      // Whoever awaits `stored` gets the error.
      () => inFlight.delete(settled),
    );
    inFlight.add(settled);
    if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
  }

  return {
    async add(molecule: Molecule): Promise<void> {
      shard.push(molecule);
      if (endsShard(molecule.moleculeId) || shard.length === MAX_SHARD_ROWS) await flush();
    },
    /** References of all shards, in order. */
    async end(): Promise<ArtifactRef[]> {
      await flush();
      return Promise.all(stored);
    },
    /** Waits for what is under way, whatever comes of it. */
    async abandon(): Promise<void> {
      await Promise.allSettled(stored);
    },
  };
}
export type ShardWriter = ReturnType<typeof createShardWriter>;
