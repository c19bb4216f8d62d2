import type { FeatureMatrix } from '../../contracts';
import { rowSpan } from '../../foundation';
import { buildKeyTable, KEY_MULTIPLIER, KEY_SHIFT, type KeyTable } from './key-table';
import { sharedInt32, sharedUint32 } from './shared-arrays';

/**
 * Rows of counts with the keys replaced by columns: entries [countStarts[r], countStarts[r + 1]) of row r. Columns from
 * `keys.length` on are keys that training did not have, numbered within these rows only.
 */
export interface CountedRows {
  readonly countStarts: Int32Array;
  readonly countColumns: Uint32Array;
  readonly countValues: Int32Array;
}

export function noCountedRows(rows: number): CountedRows {
  return { countStarts: sharedInt32(rows + 1), countColumns: sharedUint32(0), countValues: sharedInt32(0) };
}

/** Every key of the rows, ascending. */
export function collectKeys(features: FeatureMatrix): Uint32Array {
  const keys = new Set<number>();
  for (let r = 0; r < features.rows; r++) {
    const [from, to] = rowSpan(features, r);
    for (let at = from + features.columns; at < to; at += 2) keys.add(features.data[at]!);
  }
  const sorted = sharedUint32(keys.size);
  sorted.set([...keys]);
  return sorted.sort();
}

/** The float32 values that lead each row, rows x columns. */
export function leadingFloats(features: FeatureMatrix): Float32Array {
  const { rows, columns } = features;
  const words = new Uint32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const [from] = rowSpan(features, r);
    words.set(features.data.subarray(from, from + columns), r * columns);
  }
  return new Float32Array(words.buffer);
}

const tables = new WeakMap<Uint32Array, KeyTable>();

/** Column + 1 of every key, made once for each array of keys. */
function columnTable(keys: Uint32Array): KeyTable {
  let table = tables.get(keys);
  if (!table) tables.set(keys, (table = buildKeyTable(keys, (column) => column + 1)));
  return table;
}

export function encodeCounts(keys: Uint32Array, features: FeatureMatrix): CountedRows {
  const { mask, cells } = columnTable(keys);
  // An import is looked up wherever it is read, which here is too often.
  const [multiplier, shift] = [KEY_MULTIPLIER, KEY_SHIFT];
  const unseen = new Map<number, number>();
  const { rows, columns, data } = features;
  const countStarts = sharedInt32(rows + 1);
  for (let r = 0; r < rows; r++) {
    const [from, to] = rowSpan(features, r);
    countStarts[r + 1] = countStarts[r]! + (to - from - columns) / 2;
  }
  const countColumns = sharedUint32(countStarts[rows]!);
  const countValues = sharedInt32(countStarts[rows]!);
  let at = 0;
  for (let r = 0; r < rows; r++) {
    const [from, to] = rowSpan(features, r);
    for (let place = from + columns; place < to; place += 2, at++) {
      const key = data[place]!;
      let cell = 2 * ((Math.imul(key, multiplier) >>> shift) & mask);
      while (cells[cell] !== key && cells[cell + 1] !== 0) cell = (cell + 2) & (2 * mask + 1);
      let column: number | undefined = cells[cell + 1]! - 1;
      if (column < 0) {
        column = unseen.get(key);
        if (column === undefined) unseen.set(key, (column = keys.length + unseen.size));
      }
      countColumns[at] = column;
      countValues[at] = data[place + 1]!;
    }
  }
  return { countStarts, countColumns, countValues };
}

/** Adds the sum of its counts to the total of each row. */
export function addCounts(totals: Int32Array, { countStarts, countValues }: CountedRows): void {
  for (let r = 0; r < totals.length; r++)
    for (let at = countStarts[r]!; at < countStarts[r + 1]!; at++) totals[r]! += countValues[at]!;
}

export function selectCountedRows(
  { countStarts, countColumns, countValues }: CountedRows,
  rows: readonly number[],
): CountedRows {
  const starts = sharedInt32(rows.length + 1);
  rows.forEach((row, i) => (starts[i + 1] = starts[i]! + countStarts[row + 1]! - countStarts[row]!));
  const columns = sharedUint32(starts[rows.length]!);
  const values = sharedInt32(starts[rows.length]!);
  rows.forEach((row, i) => {
    columns.set(countColumns.subarray(countStarts[row]!, countStarts[row + 1]!), starts[i]);
    values.set(countValues.subarray(countStarts[row]!, countStarts[row + 1]!), starts[i]);
  });
  return { countStarts: starts, countColumns: columns, countValues: values };
}
