import type { FeatureMatrix } from '../../contracts';
import { rowSpan } from '../../foundation';
import { encodeRows, type EncodedRows, type FeatureSpace } from './feature-space';
import { levelsOf } from './levels';
import { entryWords, type SharedCounts } from './shared-counts';

/** Rows of features as bounds read them: one after the other, with nothing made in between where that can be. */
export interface QuerySource {
  /** Keys that `SharedCounts` is to know. */
  readonly keys?: Uint32Array;
  /** Words of entries that any row takes. */
  readonly entryWords: number;
  /** Leaves what the row shares with every reference row; @returns the sum of its bits and counts. */
  shared(counts: SharedCounts, row: number): number;
  /** Writes the levels of the row; @returns their squares' sum. NaN where a descriptor is not finite. */
  levels(row: number, target: Float32Array, at: number): number;
}

/** @throws runtime-mismatch as `encodeRows` */
export function querySource(space: FeatureSpace, features: FeatureMatrix): QuerySource {
  const fits = features.layout === space.layout && features.columns === space.columns;
  return fits && features.layout === 'counts'
    ? counted(space, features)
    : encoded(encodeRows(space, features));
}

function encoded(rows: EncodedRows): QuerySource {
  return {
    entryWords: entryWords(rows),
    shared(counts, row) {
      counts.of(rows, row);
      return rows.counts[row]!;
    },
    levels(row, target, at) {
      let square = 0;
      for (let c = 0; c < rows.width; c++) {
        const level = rows.levels[row * rows.width + c]!;
        target[at + c] = level;
        square += level * level;
      }
      return square;
    },
  };
}

function counted(space: FeatureSpace, features: FeatureMatrix): QuerySource {
  const { columns, rows } = features;
  const words = features.data as Uint32Array;
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const scale = levelsOf(space);
  const { ranked } = space;
  let longest = 0;
  for (let r = 0; r < rows; r++) {
    const [from, to] = rowSpan(features, r);
    longest = Math.max(longest, to - from);
  }
  return {
    keys: space.keys,
    entryWords: longest,
    shared: (counts, row) =>
      counts.ofKeys(words, features.offsets![row]! + columns, features.offsets![row + 1]!),
    levels(row, target, at) {
      const from = features.offsets![row]!;
      let square = 0;
      for (let c = 0; c < ranked.length; c++) {
        const value = floats[from + ranked[c]!]!;
        const level = value - value === 0 ? scale.of(c, value) : NaN;
        target[at + c] = level;
        square += level * level;
      }
      return square;
    },
  };
}
