import { decodeFeatureMatrix } from '../../chemistry/feature-matrix';
import type { ArtifactRef, FeatureMatrix, FeaturisedShard, GateVerdict, ModelCard } from '../../contracts';
import { bundleFeatures, concatFeatureRows, selectFeatureRows } from '../../foundation';
import type { ObjectStore } from '../../objects/object-store';
import { figure, unitOf } from './words';

/** Shards that are read at most: the training set is spread over the pool, and a few hold enough of it. */
const MAX_SHARDS = 8;

/**
 * Features of some molecules as training had them stored.
 * @param wanted ids of molecules
 * @returns at most `count` of them, in the order of the shards; null where none of the shards read has any
 */
export async function storedFeatures(
  objects: Pick<ObjectStore, 'get'>,
  features: ArtifactRef,
  wanted: ReadonlySet<string>,
  count: number,
): Promise<FeatureMatrix | null> {
  const shards = JSON.parse((await objects.get(features)).toString('utf8')) as FeaturisedShard[];
  const parts: FeatureMatrix[] = [];
  let found = 0;
  for (const shard of shards.slice(0, MAX_SHARDS)) {
    if (found >= count) break;
    const matrix = await matrixOf(objects, shard);
    const rows = matrix.moleculeIds.flatMap((id, row) => (wanted.has(id) ? [row] : []));
    const taken = rows.slice(0, count - found);
    if (!taken.length) continue;
    parts.push(selectFeatureRows(matrix, taken));
    found += taken.length;
  }
  return parts.length ? concatFeatureRows(parts) : null;
}

async function matrixOf(objects: Pick<ObjectStore, 'get'>, shard: FeaturisedShard): Promise<FeatureMatrix> {
  const { features, featurizer } = shard;
  const read = async (ref: ArtifactRef) => decodeFeatureMatrix(await objects.get(ref));
  if (!Array.isArray(features)) return read(features as ArtifactRef);
  return bundleFeatures(featurizer, await Promise.all((features as readonly ArtifactRef[]).map(read)));
}

/** Predictions of one model for the same molecules, from stored features and from SMILES the way the server makes them. */
export interface Skew {
  readonly smiles: readonly string[];
  readonly stored: readonly number[];
  /** Or why there is none. */
  readonly served: readonly (number | string)[];
}

/**
 * Whether the server computes what training computed: a model trained on one kind of features and served on another predicts
 * numbers that look like predictions.
 * @param share of the held-out RMSE that two predictions may differ by
 */
export function skewGate(card: ModelCard, skew: Skew | null, share: number): GateVerdict {
  const verdict = (passed: boolean, evidence: string): GateVerdict => ({ gate: 'skew', passed, evidence });
  if (!skew || skew.smiles.length === 0)
    return verdict(true, 'The card names no stored features of its training molecules: 0 were compared.');
  const allowed = share * card.metrics.rmse;
  const failed = skew.served.findIndex((value) => typeof value === 'string');
  if (failed >= 0) {
    const why = String(skew.served[failed]);
    return verdict(
      false,
      `${skew.smiles[failed]} was trained on and cannot be served: ${why} (1 or more of ${skew.smiles.length}).`,
    );
  }
  const differences = skew.served.map((value, i) => Math.abs((value as number) - skew.stored[i]!));
  // What is no number is the largest difference there is.
  const worst = differences.reduce((at, one, i) => (one <= differences[at]! ? at : i), 0);
  const passed = differences.every((one) => one <= allowed);
  const unit = unitOf(card);
  const which = passed ? '' : `, for ${skew.smiles[worst]}`;
  return verdict(
    passed,
    `Predictions from SMILES as the server makes them differ by ${figure(differences[worst]!)}${unit} at most from those of the features ` +
      `that it was trained on, over ${skew.smiles.length} training molecules${which}; ${figure(allowed)}${unit} is allowed.`,
  );
}
