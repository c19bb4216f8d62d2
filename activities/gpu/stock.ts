import type { ArtifactRef, Cut, Molecule, TrainingRow } from '../../src/contracts';
import type { ObjectStore } from '../../src/objects';
import { jsonArtifacts } from '../shared/artifacts';

/** What a round has to choose from, and what it knows. */
export interface Stock {
  readonly candidates: readonly string[];
  readonly excluded: ReadonlySet<string>;
  readonly training: readonly TrainingRow[];
  /** Tables of the further properties, in the order of the cut. */
  readonly others: readonly (readonly TrainingRow[])[];
  /** Labelled (of any property), and failed in the pool. */
  readonly measured: readonly string[];
  /** At the lab, and in the pool. */
  readonly pending: readonly string[];
  readonly smiles: ReadonlyMap<string, string>;
  /** Hash of the shard that a molecule of the pool is in. */
  readonly shardOf: ReadonlyMap<string, string>;
}

/** From the first to before the last, counted from 0. */
export interface ShardRange {
  readonly from: number;
  readonly to: number;
}

interface StockRequest {
  readonly cut: Pick<Cut, 'excluded' | 'pending' | 'training' | 'others'>;
  /** JSON array of the pool's shards. */
  readonly pool: ArtifactRef;
}

/**
 * Reads what a round has to choose from. Known and pending molecules outside the pool have features only where they are labelled, so
 * no others of them are named. With a range, of these shards of the pool alone.
 */
export function stockReader(objects: ObjectStore) {
  const artifacts = jsonArtifacts(objects);
  return async function stockOf({ pool, cut }: StockRequest, range?: ShardRange): Promise<Stock> {
    const ids = async (ref: ArtifactRef) =>
      (await artifacts.getRows<{ moleculeId: string }>(ref)).map(({ moleculeId }) => moleculeId);
    const excluded = new Set(await ids(cut.excluded));
    const out = new Set(await ids(cut.pending));
    const training = await artifacts.getRows<TrainingRow>(cut.training);
    const others: TrainingRow[][] = [];
    for (const known of cut.others ?? []) others.push(await artifacts.getRows<TrainingRow>(known.training));
    const candidates: string[] = [];
    const failed: string[] = [];
    const pending: string[] = [];
    const smiles = new Map([training, ...others].flat().map((row) => [row.moleculeId, row.smiles]));
    const shardOf = new Map<string, string>();
    const labelled = new Set(smiles.keys());
    const shards = await artifacts.getJson<ArtifactRef[]>(pool);
    for (const shard of shards.slice(range?.from, range?.to)) {
      for (const { moleculeId, ...molecule } of await artifacts.getRows<Molecule>(shard)) {
        smiles.set(moleculeId, molecule.smiles);
        shardOf.set(moleculeId, shard.sha256);
        if (!excluded.has(moleculeId)) candidates.push(moleculeId);
        else if (labelled.has(moleculeId)) continue;
        else (out.has(moleculeId) ? pending : failed).push(moleculeId);
      }
    }
    const measured = [...labelled, ...failed];
    return { candidates, excluded, training, others, measured, pending, smiles, shardOf };
  };
}
