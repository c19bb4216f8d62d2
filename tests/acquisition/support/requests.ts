import type { SelectRequest } from '../../../src/acquisition';
import { campaignConfigSchema } from '../../../src/contracts';
import { sha256 } from '../../../src/foundation';

export const idOf = (name: string | number) => `mol_${sha256(String(name)).slice(0, 32)}`;

export const acquisitionOf = (overrides: Partial<SelectRequest['acquisition']>) =>
  campaignConfigSchema.shape.acquisition.parse(overrides);

/** Candidates column by column. */
export interface Pool {
  ids: string[];
  mean: number[];
  sigma: number[];
  draws: number[][];
}

/** A request for five molecules, to be maximised beyond 0.5, unless told otherwise. */
export function requestOf(
  pool: Pool,
  overrides: Omit<Partial<SelectRequest>, 'acquisition'> & { acquisition?: object } = {},
): SelectRequest {
  const { acquisition, ...rest } = overrides;
  return {
    candidates: {
      moleculeIds: pool.ids,
      model: {
        mean: Float64Array.from(pool.mean),
        sigma: Float64Array.from(pool.sigma),
        draws: pool.draws.map((draw) => Float64Array.from(draw)),
      },
    },
    excluded: new Set(),
    direction: 'maximize',
    batchSize: 5,
    incumbent: 0.5,
    seed: 7,
    ...rest,
    acquisition: acquisitionOf(acquisition ?? {}),
  };
}
