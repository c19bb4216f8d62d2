import { sourceName, TitrateError, type DatasetVersion } from '../contracts';
import { createNumberedLog, parseRecord, type ObjectStore } from '../objects';

/** Where a version's bytes lie now, after they were written again. */
type Renewal = Pick<DatasetVersion, 'rows' | 'quarantine' | 'shards'>;

const VERSION_ID = /^data_[0-9a-f]{32}$/;
export const isVersionId = (text: string): boolean => VERSION_ID.test(text);

/** The version a record under `datasets/` belongs to; null for other records. */
export const versionOfKey = (key: string): string | null =>
  /^datasets\/(data_[0-9a-f]{32})(?:\/|$)/.exec(key)?.[1] ?? null;

/** Versions of schema 1 have sources without a name. */
function normalised(version: DatasetVersion): DatasetVersion {
  return {
    ...version,
    sources: version.sources.map((source) => ({ ...source, name: sourceName(source) })),
  };
}

/**
 * Manifests as records that stay for ever: `datasets/<id>`, and `datasets/<id>/in/<dataset>` where a second dataset came to the same
 * rows (names stand outside the id). Bytes that were pruned and then written otherwise, by another DuckDB for instance, are
 * numbered records `datasets/<id>/bytes/<n>`.
 */
export function createManifests(objects: ObjectStore) {
  const known = new Map<string, DatasetVersion>();
  const keyOf = (id: string) => `datasets/${id}`;
  const keyIn = (id: string, dataset: string) => `datasets/${id}/in/${dataset}`;
  const renewals = (id: string) => createNumberedLog<Renewal>(objects, `datasets/${id}/bytes`);

  async function read(key: string): Promise<DatasetVersion | null> {
    const cached = known.get(key);
    if (cached) return cached;
    const bytes = await objects.readRecord(key);
    if (!bytes) return null;
    const version = normalised(parseRecord<DatasetVersion>(bytes, key));
    known.set(key, version);
    return version;
  }

  async function find(id: string, dataset?: string): Promise<DatasetVersion | null> {
    const first = await read(keyOf(id));
    if (!first) return null;
    const own = dataset === undefined || dataset === first.dataset ? null : await read(keyIn(id, dataset));
    const version = own ?? first;
    const renewed = (await renewals(id).entries()).at(-1);
    if (!renewed) return version;
    // The order of a quarantine goes with the names of the sources, which are each dataset's own.
    return { ...version, ...renewed.value, ...(own && { quarantine: own.quarantine }) };
  }

  return {
    /** @param dataset as this dataset knows it: its own names of the sources. */
    find,
    /** @throws TitrateError not-found. */
    async get(id: string, dataset?: string): Promise<DatasetVersion> {
      const version = await find(id, dataset);
      if (version) return version;
      throw new TitrateError('not-found', {
        what: `there is no dataset version '${id}'`,
        remedy: 'Ingest the sources first, or see the versions there are: titrate data versions',
      });
    },
    /** Records a manifest; where one stands for this id and dataset, that one stands. */
    async create(version: DatasetVersion): Promise<DatasetVersion> {
      const bytes = Buffer.from(JSON.stringify(version), 'utf8');
      if (!(await objects.createRecord(keyOf(version.id), bytes))) {
        const first = (await read(keyOf(version.id)))!;
        if (first.dataset !== version.dataset)
          await objects.createRecord(keyIn(version.id, version.dataset), bytes);
      }
      return (await find(version.id, version.dataset))!;
    },
    /** Notes where the bytes lie now, if elsewhere than noted. */
    async renew(id: string, bytes: Renewal): Promise<void> {
      await renewals(id).append(async (entries) => {
        const standing = entries.at(-1)?.value ?? (await read(keyOf(id)))!;
        const same =
          standing.rows.sha256 === bytes.rows.sha256 &&
          standing.quarantine.sha256 === bytes.quarantine.sha256 &&
          standing.shards.length === bytes.shards.length &&
          standing.shards.every((shard, i) => shard.sha256 === bytes.shards[i]!.sha256);
        return same ? null : bytes;
      });
    },
    /** Ids of all versions ever recorded, sorted. */
    async ids(): Promise<string[]> {
      const ids = (await objects.listRecords('datasets/')).map(versionOfKey);
      return [...new Set(ids.filter((id) => id !== null))];
    },
    /** Datasets that the version was committed to. */
    async datasetsOf(id: string): Promise<string[]> {
      const first = await read(keyOf(id));
      const prefix = `${keyOf(id)}/in/`;
      const others = (await objects.listRecords(prefix)).map((key) => key.slice(prefix.length));
      return first ? [first.dataset, ...others] : [];
    },
  };
}
export type Manifests = ReturnType<typeof createManifests>;
