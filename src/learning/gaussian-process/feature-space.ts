import { featurizerName, TitrateError, type FeatureMatrix } from '../../contracts';
import {
  addCounts,
  collectKeys,
  encodeCounts,
  leadingFloats,
  noCountedRows,
  selectCountedRows,
  type CountedRows,
} from './counted-columns';
import { levelOf, levelsOf } from './levels';
import { sharedFloat64, sharedInt32, sharedUint32 } from './shared-arrays';

/**
 * How rows of features become non-negative vectors for the MinMax kernel, and descriptors of a kernel of their own. Fixed by
 * the training rows.
 *
 * `bits` features stand as they are. Of `dense` features, columns that hold only 0 and 1 in training are bits as well (a
 * fingerprint inside a concatenation). Any other column is real-valued (a descriptor), may be negative and has its own
 * unit, so its value is replaced by u, its empirical quantile among the training rows (mid-ranks, linear in between,
 * clamped to the training range), entered as the pair (u, 1 - u): then low values agree as much as high ones do, and a
 * column weighs as much as one bit. A column with one value in training says nothing and is left out.
 *
 * `counts` features are counted columns, one for each key seen in training; a key not seen there still belongs to the vector
 * of a query. Descriptors that lead them stand apart (see `KernelMix`), as the normal scores of their quantiles.
 */
export interface FeatureSpace {
  readonly layout: 'bits' | 'dense' | 'counts';
  readonly columns: number;
  /** featurizerName of the training features, for messages. */
  readonly featurizer: string;
  /** Columns read as bits, and columns read as quantiles. */
  readonly binary: Int32Array;
  readonly ranked: Int32Array;
  /** Knots of ranked column c: entries [knotStarts[c], knotStarts[c + 1]), value ascending, and the quantile (score) there. */
  readonly knotStarts: Int32Array;
  readonly knotValues: Float64Array;
  readonly knotLevels: Float64Array;
  /** Counts layout only: the key of each counted column, ascending. */
  readonly keys: Uint32Array;
}

/** Rows in a feature space: packed bits, counted columns and quantiles. */
export interface EncodedRows extends CountedRows {
  readonly rows: number;
  /** 32-bit words a row. */
  readonly words: number;
  readonly bits: Uint32Array;
  /** Bits that are on and counts, summed per row. */
  readonly counts: Int32Array;
  /** Quantile columns a row. */
  readonly width: number;
  /** rows x width: quantiles in [0, 1], normal scores with counts. */
  readonly levels: Float64Array;
}

/** @throws numerical if a dense value is not finite; runtime-mismatch for features that hold no vectors (graphs, bundles). */
export function buildFeatureSpace(features: FeatureMatrix): FeatureSpace {
  const { layout, columns, rows } = features;
  if (layout === 'graph' || layout === 'bundle') {
    throw new TitrateError('runtime-mismatch', {
      what: `a Gaussian process cannot read ${featurizerName(features.spec)} (${layout})`,
      remedy: 'Give it fingerprints, counts or descriptors; of a bundle, one of its parts',
    });
  }
  const base = {
    layout,
    columns,
    featurizer: featurizerName(features.spec),
    keys: layout === 'counts' ? collectKeys(features) : sharedUint32(0),
  };
  const binary: number[] = [];
  const ranked: number[] = [];
  const starts = [0];
  const values: number[] = [];
  const levels: number[] = [];
  const column = new Float64Array(rows);
  const descriptors = readDescriptors(features);
  for (let c = 0; layout !== 'bits' && c < columns; c++) {
    for (let r = 0; r < rows; r++) column[r] = descriptors[r * columns + c]!;
    if (layout === 'dense' && column.every((x) => x === 0 || x === 1)) {
      binary.push(c);
      continue;
    }
    column.sort();
    if (column[0] === column[rows - 1]) continue;
    ranked.push(c);
    for (let from = 0; from < rows;) {
      let to = from + 1;
      while (to < rows && column[to] === column[from]) to++;
      values.push(column[from]!);
      levels.push(levelOf(layout, (from + to) / (2 * rows)));
      from = to;
    }
    starts.push(values.length);
  }
  const into = <T extends Int32Array | Float64Array>(array: T, from: readonly number[]): T => {
    array.set(from);
    return array;
  };
  return {
    ...base,
    binary: into(sharedInt32(binary.length), binary),
    ranked: into(sharedInt32(ranked.length), ranked),
    knotStarts: into(sharedInt32(starts.length), starts),
    knotValues: into(sharedFloat64(values.length), values),
    knotLevels: into(sharedFloat64(levels.length), levels),
  };
}

/** The real-valued columns of each row, rows x columns: all of `dense`, what leads a row of `counts`. @throws numerical */
function readDescriptors(features: FeatureMatrix): Float32Array {
  const { layout, rows, columns } = features;
  if (layout === 'bits') return new Float32Array(0);
  const values = layout === 'dense' ? (features.data as Float32Array) : leadingFloats(features);
  for (let at = 0; at < rows * columns; at++) {
    if (Number.isFinite(values[at])) continue;
    throw new TitrateError('numerical', {
      what: `feature ${at % columns} of ${featurizerName(features.spec)} is ${values[at]}, expected a finite number`,
      where: features.moleculeIds[Math.floor(at / columns)],
      remedy: 'Leave this molecule out or use another featurizer',
    });
  }
  return values;
}

/** @throws runtime-mismatch if the features are not of the kind the space was built from; numerical as above. */
export function encodeRows(space: FeatureSpace, features: FeatureMatrix): EncodedRows {
  if (features.layout !== space.layout || features.columns !== space.columns) {
    throw new TitrateError('runtime-mismatch', {
      what: `the model was trained on ${space.columns} columns of ${space.featurizer} (${space.layout}), these are ${features.columns} of ${featurizerName(features.spec)} (${features.layout})`,
      remedy: 'Featurise with the featurizer named in the model card',
    });
  }
  return space.layout === 'bits' ? encodeBits(features) : encodeColumns(space, features);
}

function encodeBits(features: FeatureMatrix): EncodedRows {
  const { rows } = features;
  const bytes = features.columns / 8;
  const words = Math.ceil(bytes / 4);
  const bits = sharedUint32(rows * words);
  const view = new Uint8Array(bits.buffer);
  for (let r = 0; r < rows; r++) {
    const source = features.data.subarray(r * bytes, (r + 1) * bytes) as Uint8Array;
    view.set(source, r * words * 4);
  }
  const counts = sharedInt32(rows);
  addBits(counts, bits, words);
  return { rows, words, bits, counts, ...noCountedRows(rows), width: 0, levels: sharedFloat64(0) };
}

function encodeColumns(space: FeatureSpace, features: FeatureMatrix): EncodedRows {
  const values = readDescriptors(features);
  const { rows, columns } = features;
  const { binary, ranked } = space;
  const words = Math.ceil(binary.length / 32);
  const width = ranked.length;
  const bits = sharedUint32(rows * words);
  const levels = sharedFloat64(rows * width);
  const scale = levelsOf(space);
  for (let r = 0; r < rows; r++) {
    const at = r * columns;
    for (let b = 0; b < binary.length; b++) {
      // Past the training range the value is clamped, as quantiles are.
      if (values[at + binary[b]!]! >= 0.5) bits[r * words + (b >>> 5)]! |= 1 << (b & 31);
    }
    for (let c = 0; c < width; c++) levels[r * width + c] = scale.of(c, values[at + ranked[c]!]!);
  }
  const counted = space.layout === 'counts' ? encodeCounts(space.keys, features) : noCountedRows(rows);
  const counts = sharedInt32(rows);
  addBits(counts, bits, words);
  addCounts(counts, counted);
  return { rows, words, bits, counts, ...counted, width, levels };
}

/** Number of bits on in a 32-bit word (Warren, Hacker's Delight, 5-1). */
export function populationCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  v = (v + (v >>> 4)) & 0x0f0f0f0f;
  return Math.imul(v, 0x01010101) >>> 24;
}

function addBits(counts: Int32Array, bits: Uint32Array, words: number): void {
  for (let r = 0; r < counts.length; r++)
    for (let k = 0; k < words; k++) counts[r]! += populationCount(bits[r * words + k]!);
}

/** Encoded rows in the order given, copied. */
export function selectEncodedRows(encoded: EncodedRows, rows: readonly number[]): EncodedRows {
  const { words, width } = encoded;
  const bits = sharedUint32(rows.length * words);
  const levels = sharedFloat64(rows.length * width);
  const counts = sharedInt32(rows.length);
  rows.forEach((row, i) => {
    bits.set(encoded.bits.subarray(row * words, (row + 1) * words), i * words);
    levels.set(encoded.levels.subarray(row * width, (row + 1) * width), i * width);
    counts[i] = encoded.counts[row]!;
  });
  return { rows: rows.length, words, bits, counts, ...selectCountedRows(encoded, rows), width, levels };
}
