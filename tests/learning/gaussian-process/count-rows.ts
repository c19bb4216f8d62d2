import type { FeatureMatrix } from '../../../src/contracts';
import { createRandom } from '../../../src/foundation';

/** One molecule: descriptors, then keys with their counts. */
export interface CountRow {
  readonly descriptors: readonly number[];
  readonly counts: ReadonlyMap<number, number>;
}

/** Rows in the layout `counts`. */
export function countMatrix(rows: readonly CountRow[]): FeatureMatrix {
  const columns = rows[0]?.descriptors.length ?? 0;
  const words: number[] = [];
  const offsets = [0];
  for (const { descriptors, counts } of rows) {
    words.push(...new Uint32Array(Float32Array.from(descriptors).buffer));
    for (const [key, count] of [...counts].sort(([a], [b]) => a - b)) words.push(key, count);
    offsets.push(words.length);
  }
  return {
    spec: { kind: 'morgan-counts', radius: 3 },
    moleculeIds: rows.map((_, i) => `mol_${i}`),
    rows: rows.length,
    columns,
    layout: 'counts',
    data: Uint32Array.from(words),
    offsets: Uint32Array.from(offsets),
  };
}

/** Rows with common and rare keys, hashes spread over 32 bits; rare ones are often not shared. */
export function randomCountRows(rows: number, seed: number, descriptors = 0, keys = 60): CountRow[] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => {
    const counts = new Map<number, number>();
    for (let k = 0; k < 14; k++) {
      const key = Math.imul(1 + Math.floor(keys * random.next() ** 2), 0x9e3779b1) >>> 0;
      counts.set(key, 1 + random.below(6));
    }
    return { descriptors: Array.from({ length: descriptors }, () => 10 * random.normal()), counts };
  });
}

/** Rows as vectors over all keys, for an oracle; descriptors left out. */
export function asVectors(...sets: readonly (readonly CountRow[])[]): number[][][] {
  const keys = [...new Set(sets.flat().flatMap(({ counts }) => [...counts.keys()]))];
  return sets.map((rows) => rows.map(({ counts }) => keys.map((key) => counts.get(key) ?? 0)));
}
