/** For each row of a result the rows of a matrix that are added up: list i is indices[offsets[i]] up to indices[offsets[i + 1]]. */
export interface RowLists {
  /** Length lists + 1, first 0. */
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
}

/**
 * The lists the other way round: for each of `rows` rows the lists it is in, as often as it is in them. What `gatherSum` with them
 * does to a gradient by its result is the gradient by `x`.
 */
export function transposed({ offsets, indices }: RowLists, rows: number): RowLists {
  const turned = { offsets: new Int32Array(rows + 1), indices: new Int32Array(indices.length) };
  for (const index of indices) turned.offsets[index + 1]!++;
  for (let row = 0; row < rows; row++) turned.offsets[row + 1]! += turned.offsets[row]!;
  const next = turned.offsets.slice(0, rows);
  for (let list = 0; list + 1 < offsets.length; list++)
    for (let at = offsets[list]!; at < offsets[list + 1]!; at++) turned.indices[next[indices[at]!]!++] = list;
  return turned;
}
