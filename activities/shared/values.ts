import type { TrainingRow } from '../../src/contracts';

/** Uncensored values by molecule. */
export const valuesOf = (rows: readonly TrainingRow[]): ReadonlyMap<string, number> =>
  new Map(
    rows.flatMap(({ moleculeId, value, qualifier }) => (qualifier === '=' ? [[moleculeId, value]] : [])),
  );
