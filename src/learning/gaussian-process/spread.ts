/**
 * At most `count` of the rows, evenly spaced in the order of a key (ties in the order given), then in ascending order: a fixed
 * sample that spans the range.
 */
export function evenlySpread(rows: readonly number[], key: (row: number) => number, count: number): number[] {
  if (rows.length <= count) return [...rows].sort((a, b) => a - b);
  const sorted = [...rows].sort((a, b) => key(a) - key(b) || a - b);
  return Array.from(
    { length: count },
    (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / count)]!,
  ).sort((a, b) => a - b);
}
