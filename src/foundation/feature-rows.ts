import {
  canonicalJson,
  featurizerName,
  TitrateError,
  type FeatureLayout,
  type FeatureMatrix,
} from '../contracts';
import { graphRowFault } from './molecule-graph';

/** Elements of `data` a row has in the layouts whose rows all have the same length. */
export function rowStride({ layout, columns }: Pick<FeatureMatrix, 'layout' | 'columns'>): number {
  return layout === 'bits' ? columns / 8 : layout === 'dense' ? columns : 0;
}

/** Layouts whose rows vary in length and come with `offsets`. */
export const isRagged = (layout: FeatureLayout): boolean => layout === 'counts' || layout === 'graph';

/** An array for `length` elements of a layout. */
export function featureData(layout: FeatureLayout, length: number): Uint8Array | Float32Array | Uint32Array {
  if (layout === 'dense') return new Float32Array(length);
  return isRagged(layout) ? new Uint32Array(length) : new Uint8Array(length);
}

/** Where a row lies in `data`, first element and the one past the last. */
export function rowSpan(
  features: Pick<FeatureMatrix, 'layout' | 'columns' | 'offsets'>,
  row: number,
): [number, number] {
  if (isRagged(features.layout)) return [features.offsets![row]!, features.offsets![row + 1]!];
  const stride = rowStride(features);
  return [row * stride, (row + 1) * stride];
}

/**
 * Neighbouring rows, `from` up to `to`, for another thread: as they lie where all threads can read them, else copied, for a message takes
 * a view's whole buffer along. Offsets begin at 0.
 * @param data of the matrix, or a copy of it that all threads can read
 */
export function neighbouringRows(
  features: Pick<FeatureMatrix, 'layout' | 'columns' | 'offsets' | 'data'>,
  from: number,
  to: number,
  data: FeatureMatrix['data'] = features.data,
): Pick<FeatureMatrix, 'rows' | 'data' | 'offsets'> {
  const [start] = rowSpan(features, from);
  const view = data.subarray(start, to > from ? rowSpan(features, to - 1)[1] : start);
  return {
    rows: to - from,
    data: view.buffer instanceof SharedArrayBuffer ? view : view.slice(),
    ...(isRagged(features.layout) && {
      offsets: features.offsets!.slice(from, to + 1).map((offset) => offset - start),
    }),
  };
}

/**
 * Rows of a feature matrix, in the order given; an index may come twice; data are copied.
 * @throws internal when an index is out of range
 */
export function selectFeatureRows(features: FeatureMatrix, indices: ArrayLike<number>): FeatureMatrix {
  const moleculeIds = Array.from(indices, (row) => {
    if (Number.isInteger(row) && row >= 0 && row < features.rows) return features.moleculeIds[row]!;
    throw new TitrateError('internal', {
      what: `row ${row} of ${features.rows}`,
      where: 'selectFeatureRows',
    });
  });
  const chosen = { ...features, moleculeIds, rows: indices.length };
  if (features.layout === 'bundle')
    return { ...chosen, parts: features.parts!.map((part) => selectFeatureRows(part, indices)) };
  const spans = Array.from(indices, (row) => rowSpan(features, row));
  const offsets = new Uint32Array(spans.length + 1);
  spans.forEach(([from, to], i) => (offsets[i + 1] = offsets[i]! + to - from));
  const data = featureData(features.layout, offsets[spans.length]!);
  spans.forEach(([from, to], i) => data.set(features.data.subarray(from, to), offsets[i]));
  return { ...chosen, data, ...(isRagged(features.layout) && { offsets }) };
}

/**
 * The rows of several matrices, one after the other in the order given.
 * @throws internal when the list is empty or the matrices are not of one featurizer
 */
export function concatFeatureRows(matrices: readonly FeatureMatrix[]): FeatureMatrix {
  const [first] = matrices;
  if (!first)
    throw new TitrateError('internal', {
      what: 'no feature matrices to put together',
      where: 'concatFeatureRows',
    });
  const key = canonicalJson(first.spec);
  const other = matrices.find(({ spec }) => canonicalJson(spec) !== key);
  if (other) {
    throw new TitrateError('internal', {
      what: `features of ${featurizerName(first.spec)} and of ${featurizerName(other.spec)} do not share their columns`,
      where: 'concatFeatureRows',
    });
  }
  const moleculeIds = matrices.flatMap((matrix) => matrix.moleculeIds);
  const whole = { ...first, moleculeIds, rows: moleculeIds.length };
  if (first.layout === 'bundle') {
    const parts = first.parts!.map((_, part) =>
      concatFeatureRows(matrices.map((matrix) => matrix.parts![part]!)),
    );
    return { ...whole, parts };
  }
  const data = featureData(
    first.layout,
    matrices.reduce((sum, matrix) => sum + matrix.data.length, 0),
  );
  let at = 0;
  for (const matrix of matrices) {
    data.set(matrix.data, at);
    at += matrix.data.length;
  }
  if (!isRagged(first.layout)) return { ...whole, data };
  const offsets = new Uint32Array(whole.rows + 1);
  let row = 0;
  for (const matrix of matrices) {
    const start = offsets[row]!;
    for (let i = 1; i <= matrix.rows; i++) offsets[++row] = start + matrix.offsets![i]!;
  }
  return { ...whole, data, offsets };
}

/**
 * Puts matrices of the same molecules side by side as a bundle.
 * @throws internal when they are not of the same molecules
 */
export function bundleFeatures(spec: FeatureMatrix['spec'], parts: readonly FeatureMatrix[]): FeatureMatrix {
  const [first] = parts;
  const moleculeIds = first?.moleculeIds ?? [];
  for (const part of parts) {
    if (part.rows === moleculeIds.length && part.moleculeIds.every((id, row) => id === moleculeIds[row]))
      continue;
    throw new TitrateError('internal', {
      what: `${featurizerName(part.spec)} is not of the molecules that ${featurizerName(first!.spec)} is of`,
      where: `features ${featurizerName(spec)}`,
    });
  }
  const shape = { rows: moleculeIds.length, columns: 0, layout: 'bundle' } as const;
  return { spec, moleculeIds, ...shape, data: new Uint8Array(0), parts };
}

/** What is wrong with the rows of a ragged layout, as text with the row's number; null where nothing is. */
export function raggedRowFault(
  features: Pick<FeatureMatrix, 'layout' | 'columns' | 'rows'>,
  data: Uint32Array,
  offsets: Uint32Array,
): string | null {
  if (offsets[0] !== 0 || offsets[features.rows] !== data.length)
    return `its rows start at ${offsets[0]} and end at ${offsets[features.rows]} of ${data.length}`;
  for (let row = 0; row < features.rows; row++) {
    const [from, to] = [offsets[row]! + features.columns, offsets[row + 1]!];
    if (from > to) return `row ${row} ends before it starts`;
    const words = data.subarray(from, to);
    const fault = features.layout === 'graph' ? graphRowFault(words) : countsFault(words);
    if (fault !== null) return `row ${row}: ${fault}`;
  }
  return null;
}

function countsFault(words: Uint32Array): string | null {
  if (words.length % 2) return 'a key has no count';
  for (let at = 0; at < words.length; at += 2) {
    if (words[at + 1] === 0) return `key ${words[at]} is counted 0 times`;
    if (at > 0 && words[at]! <= words[at - 2]!)
      return `key ${words[at]} does not come after ${words[at - 2]}`;
  }
  return null;
}
