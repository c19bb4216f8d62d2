import type { ChooseRequest, Surrogate } from '../../../src/acquisition';
import { campaignConfigSchema, featurizerSchema, type FeatureMatrix } from '../../../src/contracts';
import { createRandom, deriveSeed, selectFeatureRows, sha256 } from '../../../src/foundation';
import { similarity, sparseRowsOf } from '../../../src/acquisition/distance';

export const idOf = (name: string | number) => `mol_${sha256(String(name)).slice(0, 32)}`;

export const acquisitionOf = (overrides: object) =>
  campaignConfigSchema.shape.acquisition.parse({ strategy: 'log-ei', batching: 'top', ...overrides });

/** Molecules column by column: what a model thinks of each, and what each has measured. */
export interface Pool {
  readonly ids: readonly string[];
  readonly mean: readonly number[];
  readonly sigma: readonly number[];
}

const BITS = 64;

/** Fingerprints that only the ids decide: the same molecule has the same one in any pool. */
export function fingerprintsOf(ids: readonly string[]): FeatureMatrix {
  const data = new Uint8Array((ids.length * BITS) / 8);
  ids.forEach((id, row) => {
    const random = createRandom(deriveSeed(1, id));
    for (let byte = 0; byte < BITS / 8; byte++)
      data[(row * BITS) / 8 + byte] = random.below(256) & random.below(256);
  });
  return {
    spec: featurizerSchema.parse({ kind: 'morgan', bits: BITS }),
    ...{ moleculeIds: ids, rows: ids.length, columns: BITS, layout: 'bits', data },
  };
}

/** A normal posterior with the pool's moments, correlated as the molecules are similar; others have mean 0 and deviation 1. */
export function surrogateOf(pool: Pool, noise = 0.5): Surrogate {
  const place = new Map(pool.ids.map((id, i) => [id, i]));
  const at = (column: readonly number[], id: string, other: number) =>
    place.has(id) ? column[place.get(id)!]! : other;
  const moments = (ids: readonly string[]) => ({
    mean: Float64Array.from(ids, (id) => at(pool.mean, id, 0)),
    epistemic: Float64Array.from(ids, (id) => at(pool.sigma, id, 1)),
    aleatoric: new Float64Array(ids.length).fill(noise),
  });
  return {
    calibrationScale: 1,
    model: {
      predict: async ({ moleculeIds }) => moments(moleculeIds),
      covariance: async (features) => {
        const { epistemic } = moments(features.moleculeIds);
        const rows = sparseRowsOf(features)!;
        const n = features.rows;
        const out = new Float64Array(n * n);
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++)
            out[i * n + j] = epistemic[i]! * epistemic[j]! * similarity(rows, i, rows, j);
        return out;
      },
      sample: async ({ moleculeIds }, count, seed) => {
        const { mean, epistemic } = moments(moleculeIds);
        return Array.from({ length: count }, (_, k) =>
          mean.map((m, i) => m + epistemic[i]! * createRandom(deriveSeed(seed, k, moleculeIds[i]!)).normal()),
        );
      },
    },
  };
}

export type Overrides = Omit<Partial<ChooseRequest>, 'acquisition'> & {
  acquisition?: object;
  /** Rows of a part of the pool. */
  part?: number;
};

/** A request for five molecules, to be maximised beyond 0.5, unless told otherwise. */
export function requestOf(pool: Pool, overrides: Overrides = {}): ChooseRequest {
  const { acquisition, part = 7, ...rest } = overrides;
  const whole = fingerprintsOf(pool.ids);
  const starts = Array.from({ length: Math.ceil(pool.ids.length / part) }, (_, i) => i * part);
  return {
    moleculeIds: pool.ids,
    surrogate: surrogateOf(pool),
    features: () =>
      starts.map((from) => {
        const count = Math.min(part, pool.ids.length - from);
        return selectFeatureRows(
          whole,
          Array.from({ length: count }, (_, i) => from + i),
        );
      }),
    featuresOf: fingerprintsOf,
    direction: 'maximize',
    batchSize: 5,
    incumbent: 0.5,
    seed: 7,
    ...rest,
    acquisition: acquisitionOf(acquisition ?? {}),
  };
}

/** A pool of random molecules. */
export function randomPool(count: number, seed: number, lattice = 4): Pool {
  const random = createRandom(seed);
  const ids = Array.from({ length: count }, (_, i) => idOf(`${seed}/${i}`));
  // On a coarse lattice, so that ties are common.
  const mean = ids.map(() => Math.round(random.normal() * lattice) / lattice);
  return { ids, mean, sigma: ids.map(() => (1 + random.below(4)) / 4) };
}
