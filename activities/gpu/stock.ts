import type { ArtifactRef, Cut, Molecule, TrainingRow } from '../../src/contracts';
import type { ObjectStore } from '../../src/objects';
import { jsonArtifacts } from '../shared/artifacts';

/** What a round has to choose from, and what it knows. */
export interface Stock {
  readonly candidates: readonly string[];
  readonly excluded: ReadonlySet<string>;
  readonly training: readonly TrainingRow[];
  /** Labelled, and failed in the pool. */
  readonly measured: readonly string[];
  /** At the lab, and in the pool. */
  readonly pending: readonly string[];
  readonly smiles: ReadonlyMap<string, string>;
}

interface StockRequest {
  readonly cut: Pick<Cut, 'excluded' | 'pending' | 'training'>;
  /** JSON array of the pool's shards. */
  readonly pool: ArtifactRef;
}

/**
 * Reads what a round has to choose from. Known and pending molecules outside the pool have features only where they are labelled, so
 * no others of them are named.
 */
export function stockReader(objects: ObjectStore) {
  const artifacts = jsonArtifacts(objects);
  return async function stockOf({ pool, cut }: StockRequest): Promise<Stock> {
    const ids = async (ref: ArtifactRef) =>
      (await artifacts.getRows<{ moleculeId: string }>(ref)).map(({ moleculeId }) => moleculeId);
    const excluded = new Set(await ids(cut.excluded));
    const out = new Set(await ids(cut.pending));
    const training = await artifacts.getRows<TrainingRow>(cut.training);
    const candidates: string[] = [];
    const failed: string[] = [];
    const pending: string[] = [];
    const smiles = new Map(training.map((row) => [row.moleculeId, row.smiles]));
    const labelled = new Set(smiles.keys());
    for (const shard of await artifacts.getJson<ArtifactRef[]>(pool)) {
      for (const { moleculeId, ...molecule } of await artifacts.getRows<Molecule>(shard)) {
        smiles.set(moleculeId, molecule.smiles);
        if (!excluded.has(moleculeId)) candidates.push(moleculeId);
        else if (labelled.has(moleculeId)) continue;
        else (out.has(moleculeId) ? pending : failed).push(moleculeId);
      }
    }
    return { candidates, excluded, training, measured: [...labelled, ...failed], pending, smiles };
  };
}
