import type { DriftDetector, DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { foremost, judge, notEnough, short } from '../finding';
import { compare, distancePValue, locationPValue } from '../statistics/two-sample';
import { median } from '../statistics/summaries';

export interface ShiftRequest {
  readonly name: Exclude<DriftDetector, 'skew'>;
  /** What the numbers are, as the beginning of a sentence. */
  readonly what: string;
  /** Ascending. */
  readonly window: Float64Array;
  readonly reference: Float64Array;
  readonly alpha: number;
  readonly windows: number;
  /** Whether a rise, or a fall, does no harm. */
  readonly harmless?: 'rise' | 'fall';
  readonly unit?: string;
}

/** One column of numbers against the reference's: where it lies by normal scores, and its shape by Kolmogorov and Smirnov's distance. */
export function shift({
  name,
  what,
  window,
  reference,
  alpha,
  windows,
  harmless,
}: ShiftRequest): DriftFinding {
  const [n, m] = [window.length, reference.length];
  if (n < MINIMUM.window || m < MINIMUM.reference)
    return notEnough(
      name,
      ...([n, m, ACT_FROM.delta] as const),
      `${what}: ${n} rows against ${m} of the reference; at least ${MINIMUM.window} and ${MINIMUM.reference} are needed.`,
    );
  const found = compare(window, reference);
  const [before, after] = [median(reference), median(window)];
  const direction = found.delta >= 0 ? 'rise' : 'fall';
  const evidence = [
    {
      ...{ what: what.toLowerCase(), reference: before, window: after },
      ...{ effectSize: found.delta, rows: n, examples: [] },
    },
  ];
  const common = {
    ...{ name, alpha, rows: n, referenceRows: m, windows, evidence },
    steady: `${what} is as in the reference`,
  };
  const location = judge({
    ...common,
    test: 'normal scores, permuted',
    statistic: found.z,
    p: Math.min(1, 2 * locationPValue(window, reference, found)),
    effect: "Cliff's delta",
    effectSize: found.delta,
    effectThreshold: ACT_FROM.delta,
    harmless: harmless === direction,
    change: `${what} has ${direction === 'rise' ? 'risen' : 'fallen'}: median ${short(before)} before, ${short(after)} now`,
  });
  const shape = judge({
    ...common,
    test: 'Kolmogorov-Smirnov',
    statistic: found.distance,
    p: Math.min(1, 2 * distancePValue(found)),
    effect: 'largest distance of the distribution functions',
    effectSize: found.distance,
    effectThreshold: ACT_FROM.distance,
    harmless: harmless === direction,
    change: `${what} is spread differently: median ${short(before)} before, ${short(after)} now`,
  });
  return foremost([location, shape]);
}
