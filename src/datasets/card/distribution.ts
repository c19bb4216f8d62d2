import { meanAndSpread } from '../../measurements';
import type { Distribution } from './data-card';

/** @param sorted ascending, at least one value @param q in [0, 1] */
function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

/** null for no values. */
export function distributionOf(values: ArrayLike<number>): Distribution | null {
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort();
  const { mean, spread } = meanAndSpread(Array.from(sorted));
  return {
    min: sorted[0]!,
    p05: quantile(sorted, 0.05),
    p25: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    p75: quantile(sorted, 0.75),
    p95: quantile(sorted, 0.95),
    max: sorted[sorted.length - 1]!,
    mean,
    standardDeviation: spread,
  };
}
