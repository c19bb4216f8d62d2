export const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

/** Null where there is nothing to divide by. */
export const ratio = (value: number, by: number): number | null => (by > 0 ? value / by : null);

/** Standard error of a root mean squared error from `n` errors, as a share of it, for normal errors. */
export const rmseNoise = (n: number): number => 1 / Math.sqrt(2 * Math.max(1, n));

/**
 * The least of `k` values drawn from `values` without putting back, on average: the i-th smallest is the least of a draw in
 * C(N-i, k-1) of C(N, k) cases.
 */
export function expectedLeast(values: readonly number[], k: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  if (k >= n) return sorted[0]!;
  let expected = 0;
  let chance = k / n;
  for (let i = 0; i <= n - k; i++) {
    expected += chance * sorted[i]!;
    chance *= (n - i - k) / Math.max(1, n - i - 1);
  }
  return expected;
}
