import type { FeatureMatrix } from '../../../src/contracts';
import { countMatrix } from '../gaussian-process/count-rows';

/** A matrix of counts whose keys are the positions in the rows given. */
export const countRows = (cells: readonly (readonly number[])[]): FeatureMatrix =>
  countMatrix(
    cells.map((row) => ({
      descriptors: [],
      counts: new Map(row.flatMap((count, key) => (count > 0 ? [[key, count] as const] : []))),
    })),
  );
