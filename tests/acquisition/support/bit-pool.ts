import type { FeatureMatrix, FeaturizerSpec } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';

const SPEC: FeaturizerSpec = { kind: 'morgan', radius: 2, bits: 64, counts: 'none' };
const BITS = 64;

export const idOfRow = (row: number) => `mol_${row.toString(16).padStart(32, '0')}`;

export interface BitPool {
  readonly features: FeatureMatrix;
  /** Which of the groups a molecule belongs to; molecules of a group have most bits in common. */
  readonly groups: readonly number[];
  readonly values: Float64Array;
}

/**
 * Molecules in groups: each has its group's bits but for a few of its own, and a value that is the group's and a little of its own. Group g has a
 * share of the pool that falls with g.
 */
export function bitPool(rows: number, groups: number, seed = 1): BitPool {
  const random = createRandom(seed);
  const patterns = Array.from({ length: groups }, () =>
    Uint8Array.from({ length: BITS / 8 }, () => Math.floor(random.next() * 256)),
  );
  const levels = Array.from({ length: groups }, () => 4 * random.next());
  const data = new Uint8Array((rows * BITS) / 8);
  const of: number[] = [];
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const group = Math.min(groups - 1, Math.floor(groups * random.next() ** 2));
    const bits = Uint8Array.from(patterns[group]!);
    for (let k = 0; k < 5; k++) {
      const bit = Math.floor(BITS * random.next());
      bits[bit >> 3]! ^= 1 << (bit & 7);
    }
    data.set(bits, (row * BITS) / 8);
    of.push(group);
    values[row] = levels[group]! + 0.5 * random.next();
  }
  const moleculeIds = Array.from({ length: rows }, (_, row) => idOfRow(row));
  const features: FeatureMatrix = { spec: SPEC, moleculeIds, rows, columns: BITS, layout: 'bits', data };
  return { features, groups: of, values };
}
