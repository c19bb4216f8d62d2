import type { FeatureMatrix, TrainingRow } from '../contracts';
import type { Chemistry } from '../chemistry/chemistry';
import { NeighbourIndex, SIMILARITY_FEATURIZER, type Nearest } from '../learning/applicability';
import { featuriseIsolating } from './featurising';

/** The training molecules of a model as an index of nearest neighbours. */
export interface TrainingNeighbours {
  /** Training molecules that are left out because they could not be featurised. */
  readonly leftOut: number;
  /** `row` of the answer counts in the training set. Null for an empty one. */
  nearest(queries: FeatureMatrix, row: number): Nearest | null;
}

/** @throws TitrateError what featurising throws */
export async function indexTraining(
  chemistry: Chemistry,
  training: readonly TrainingRow[],
): Promise<TrainingNeighbours> {
  const { runs, failures } = await featuriseIsolating(chemistry, training, [SIMILARITY_FEATURIZER]);
  // A neighbour's row counts within its run; runs follow one another with gaps where a molecule was left out.
  const indexes = runs.map(({ from, matrices }) => ({ from, index: new NeighbourIndex(matrices[0]!) }));
  return {
    leftOut: failures.size,
    nearest(queries, row) {
      let nearest: Nearest | null = null;
      for (const { from, index } of indexes) {
        const found = index.nearest(queries, row);
        if (found && (!nearest || found.similarity > nearest.similarity))
          nearest = { row: from + found.row, similarity: found.similarity };
      }
      return nearest;
    },
  };
}
