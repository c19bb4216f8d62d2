import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { TitrateError, type ArtifactRef, type DatasetVersion } from '../contracts';
import type { ObjectStore } from '../objects';
import type { Manifests } from './manifests';
import type { Retention } from './retention';

/** Reads what a version's manifest refers to; where it was pruned, says who did it and when. */
export interface VersionBytes {
  /** Path of the Parquet file. */
  rowsFile(version: DatasetVersion): Promise<string>;
  quarantine(version: DatasetVersion): Promise<Readable>;
  /** @throws artifact-pruned, naming who did it; artifact-missing. */
  require(version: DatasetVersion): Promise<void>;
  /** The error that tells why bytes of the version are missing; other errors as they are. */
  explain(version: DatasetVersion, error: unknown): Promise<unknown>;
}

export function prunedError(id: string, by: { author: string; reason: string; at: string }, cause?: unknown) {
  return new TitrateError(
    'artifact-pruned',
    {
      what: `the bytes of the version were pruned by ${by.author} on ${by.at} (${by.reason})`,
      where: `dataset version ${id}`,
      remedy:
        'Ingest its sources again: the same rows on the same parent give the same version and bring its bytes back',
    },
    { cause },
  );
}

export function createVersionBytes(
  objects: ObjectStore,
  manifests: Manifests,
  retention: Retention,
): VersionBytes {
  const paths = new Map<string, string>();

  /** The file is verified once a process, while it stays where it was. */
  async function pathOf(ref: ArtifactRef): Promise<string> {
    const known = paths.get(ref.sha256);
    if (known && (await stat(known).catch(() => null))?.size === ref.bytes) return known;
    const file = await objects.localPath(ref);
    paths.set(ref.sha256, file);
    return file;
  }

  async function explain(version: DatasetVersion, error: unknown): Promise<unknown> {
    if (!(error instanceof TitrateError) || error.code !== 'artifact-missing') return error;
    const pruned = await retention.pruned(version.id);
    return pruned ? prunedError(version.id, pruned, error) : error;
  }

  /** A caller's copy of the manifest may be older than a renewal of the bytes. */
  async function reading<T>(
    version: DatasetVersion,
    pick: (version: DatasetVersion) => ArtifactRef,
    use: (ref: ArtifactRef) => Promise<T>,
  ): Promise<T> {
    try {
      return await use(pick(version));
    } catch (error) {
      const standing = await manifests.find(version.id, version.dataset);
      if (standing && pick(standing).sha256 !== pick(version).sha256) return use(pick(standing));
      throw await explain(version, error);
    }
  }

  return {
    rowsFile: (version) => reading(version, (v) => v.rows, pathOf),
    quarantine: (version) =>
      reading(
        version,
        (v) => v.quarantine,
        (ref) => objects.openRead(ref),
      ),
    async require(version) {
      await reading(
        version,
        (v) => v.rows,
        async ({ sha256 }) => {
          if (await objects.has(sha256)) return;
          throw new TitrateError('artifact-missing', {
            what: 'the rows of the version are not in the object store',
            where: `dataset version ${version.id}`,
            remedy: 'Restore the object store from a backup, or ingest the sources again',
          });
        },
      );
    },
    explain,
  };
}
