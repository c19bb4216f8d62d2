import { solveLower } from './cholesky';
import { subtractProduct, type Rows } from './products';

/** Rows of the inverse worked off together. */
const BLOCK = 64;

/**
 * Lower triangle of (L L')^-1. What is 0 in L^-1 and what the symmetry repeats is left out by blocks, so that it costs
 * n^3 / 3 multiplications, twice the factorisation.
 * @param l row-major n x n, lower triangle read.
 * @returns row-major n x n; above the diagonal there are parts of the other triangle.
 */
export function inverseOfProduct(l: Float64Array, n: number): Float64Array {
  const rowsOf = (data: Float64Array, row: number, column: number): Rows => ({
    data,
    at: row * n + column,
    stride: n,
  });
  // Row i is L^-1 e_i, 0 before place i.
  const columns = new Float64Array(n * n);
  for (let i = 0; i < n; i++) columns[i * n + i] = 1;
  for (let from = 0; from < n; from += BLOCK) {
    const count = Math.min(BLOCK, n - from);
    solveLower(rowsOf(l, from, from), n - from, rowsOf(columns, from, from), count);
  }
  const inverse = new Float64Array(n * n);
  for (let from = 0; from < n; from += BLOCK) {
    const rows = Math.min(BLOCK, n - from);
    subtractProduct(rowsOf(inverse, from, 0), rowsOf(columns, from, from), rowsOf(columns, 0, from), {
      rows,
      columns: from + rows,
      depth: n - from,
    });
  }
  for (let at = 0; at < n * n; at++) inverse[at] = -inverse[at]!;
  return inverse;
}
