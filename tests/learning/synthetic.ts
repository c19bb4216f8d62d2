import type { FeatureMatrix, Qualifier } from '../../src/contracts';
import { createRandom } from '../../src/foundation';
import type { LabelledSet } from '../../src/learning/learning';

export const NOISE_RATIOS = [0.001, 0.01, 0.1, 1];

/** Sparse random fingerprints in which low bits are common, as in real ones. */
export function fingerprints(rows: number, seed: number, columns = 256, on = 30): FeatureMatrix {
  const random = createRandom(seed);
  const data = new Uint8Array((rows * columns) / 8);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < on; k++) {
      const bit = Math.floor(columns * random.next() ** 2);
      data[(r * columns) / 8 + (bit >> 3)]! |= 1 << (bit & 7);
    }
  }
  return matrix('bits', rows, columns, data);
}

export function matrix(
  layout: 'bits' | 'dense',
  rows: number,
  columns: number,
  data: Uint8Array | Float32Array,
): FeatureMatrix {
  const moleculeIds = Array.from({ length: rows }, (_, i) => `mol_${String(i).padStart(32, '0')}`);
  return {
    spec: { kind: 'morgan', radius: 2, bits: columns, counts: 'none' },
    moleculeIds,
    rows,
    columns,
    layout,
    data,
  };
}

export function hasBit(features: FeatureMatrix, row: number, bit: number): number {
  return (features.data[(row * features.columns) / 8 + (bit >> 3)]! >> (bit & 7)) & 1;
}

/** A function of fingerprints that a Tanimoto kernel can learn: weights on 60 common bits, plus noise. */
export function truth(features: FeatureMatrix): Float64Array {
  const random = createRandom(99);
  const weights = Array.from({ length: 60 }, () => random.normal());
  return Float64Array.from({ length: features.rows }, (_, r) =>
    weights.reduce((sum, w, bit) => sum + w * hasBit(features, r, bit), 5),
  );
}

export function labelled(
  features: FeatureMatrix,
  targets: ArrayLike<number>,
  extra: { qualifiers?: Qualifier[]; replicates?: ArrayLike<number> } = {},
): LabelledSet {
  return {
    features,
    targets: Float64Array.from(targets),
    qualifiers: extra.qualifiers ?? Array<Qualifier>(features.rows).fill('='),
    replicates: Float64Array.from(extra.replicates ?? Array<number>(features.rows).fill(1)),
  };
}

export function noisy(values: Float64Array, deviation: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return values.map((value) => value + deviation * random.normal());
}

/** Rows of 0 and 1, for an oracle. */
export function bitRows(features: FeatureMatrix): number[][] {
  return Array.from({ length: features.rows }, (_, r) =>
    Array.from({ length: features.columns }, (_, bit) => hasBit(features, r, bit)),
  );
}
