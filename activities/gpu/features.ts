import { decodeFeatureMatrix } from '../../src/chemistry';
import {
  TitrateError,
  type ArtifactRef,
  type Cut,
  type FeatureMatrix,
  type FeaturisedShard,
  type LabelKey,
  type LabelSplit,
  type TrainingRow,
} from '../../src/contracts';
import { bundleFeatures, concatFeatureRows, selectFeatureRows } from '../../src/foundation';
import type { LabelledSet, SplitKeys } from '../../src/learning';
import type { ObjectStore } from '../../src/objects';
import type { FeatureSet } from '../featurization';
import { jsonArtifacts } from '../shared/artifacts';

const isPartwise = (features: FeaturisedShard['features']): features is readonly ArtifactRef[] =>
  Array.isArray(features);

/** The part of a key that says how labels are split; nothing for a split at random, as it was before there was another one. */
export const splitParameter = (split: LabelSplit | undefined) =>
  split && { split: { kind: split.kind, keys: split.keys?.sha256 ?? null } };

/** The shards with these hashes; then those of molecules outside the pool, which come after it; then the others. */
function nearFirst(
  shards: readonly FeaturisedShard[],
  hashes: ReadonlySet<string | undefined>,
): FeaturisedShard[] {
  const isNear = ({ shard }: FeaturisedShard) => hashes.has(shard.sha256);
  return [...shards.filter(isNear), ...shards.filter((each) => !isNear(each)).reverse()];
}

/** Reads features and labels out of artifacts and brings them into the same row order. */
export function featureReader(objects: ObjectStore) {
  const artifacts = jsonArtifacts(objects);

  const shardsOf = (set: FeatureSet) => artifacts.getJson<FeaturisedShard[]>(set.shards);

  /** A shard's features; a bundle's are put together from the files of its parts. */
  async function matrixOf({ features, featurizer }: FeaturisedShard): Promise<FeatureMatrix> {
    if (!isPartwise(features)) return decodeFeatureMatrix(await objects.get(features));
    const parts: FeatureMatrix[] = [];
    for (const part of features) parts.push(decodeFeatureMatrix(await objects.get(part)));
    return bundleFeatures(featurizer, parts);
  }

  /**
   * Rows of the named molecules, in the order of `moleculeIds`, read shard by shard until all are there.
   * @param shardOf hash of the shard that a molecule is in, where that is known: those are read first
   * @throws TitrateError internal when a molecule has no features: the featurization stage did not see it.
   */
  async function rowsFor(
    set: FeatureSet,
    moleculeIds: readonly string[],
    shardOf?: (moleculeId: string) => string | undefined,
  ): Promise<FeatureMatrix> {
    const wanted = new Map(moleculeIds.map((id, row) => [id, row]));
    const parts: FeatureMatrix[] = [];
    const place: number[] = [];
    const shards = await shardsOf(set);
    for (const shard of shardOf ? nearFirst(shards, new Set(moleculeIds.map(shardOf))) : shards) {
      if (wanted.size === 0) break;
      const matrix = await matrixOf(shard);
      const rows: number[] = [];
      matrix.moleculeIds.forEach((id, row) => {
        const at = wanted.get(id);
        if (at === undefined) return;
        wanted.delete(id);
        rows.push(row);
        place.push(at);
      });
      if (rows.length) parts.push(selectFeatureRows(matrix, rows));
    }
    const missing = wanted.keys().next();
    if (!missing.done) {
      throw new TitrateError('internal', {
        what: `molecule ${missing.value} has no features`,
        where: set.shards.uri,
      });
    }
    const order = new Array<number>(place.length);
    place.forEach((at, row) => (order[at] = row));
    return selectFeatureRows(concatFeatureRows(parts), order);
  }

  /** The training table of a cut with its features: row i of every field is molecule i, sorted by moleculeId. */
  async function labelledSet(set: FeatureSet, cut: Cut): Promise<LabelledSet & { rows: TrainingRow[] }> {
    const rows = await artifacts.getRows<TrainingRow>(cut.training);
    return {
      rows,
      features: await rowsFor(
        set,
        rows.map((row) => row.moleculeId),
      ),
      targets: Float64Array.from(rows, (row) => row.value),
      qualifiers: rows.map((row) => row.qualifier),
      replicates: Float64Array.from(rows, (row) => row.replicates),
    };
  }

  /** What the labels of a cut are held out by, in their order; null for a split at random. */
  async function splitKeys(
    split: LabelSplit | undefined,
    rows: readonly TrainingRow[],
  ): Promise<SplitKeys | null> {
    if (!split) return null;
    const found = split.keys ? await artifacts.getRows<LabelKey>(split.keys) : [];
    const keys = new Map(found.map(({ moleculeId, key }) => [moleculeId, key]));
    return { kind: split.kind, keys: rows.map(({ moleculeId }) => keys.get(moleculeId) ?? null) };
  }

  return { shardsOf, matrixOf, rowsFor, labelledSet, splitKeys };
}
