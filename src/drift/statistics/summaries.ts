/** Makes the median absolute deviation of a normal sample its standard deviation. */
const MAD_TO_DEVIATION = 1.482602218505602;

/** Finite values, ascending. */
export function sortedFinite(values: ArrayLike<number>): Float64Array {
  const out = new Float64Array(values.length);
  let filled = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i]!)) out[filled++] = values[i]!;
  return out.subarray(0, filled).sort();
}

/** @param sorted at least one value */
export function median(sorted: ArrayLike<number>): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Absolute distances from `centre`, ascending. */
export const distancesFrom = (values: Float64Array, centre: number): Float64Array =>
  values.map((value) => Math.abs(value - centre)).sort();

/** A standard deviation that outliers hardly move: the scaled median absolute deviation. @param sorted at least one value */
export const robustDeviation = (sorted: Float64Array): number =>
  MAD_TO_DEVIATION * median(distancesFrom(sorted, median(sorted)));

/** A 32-bit hash of a text (FNV-1a, with a final mix): which part of a split a row belongs to, whatever its place. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
}
