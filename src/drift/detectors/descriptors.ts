import type { DriftEvidence, DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { foremost, judge, notEnough, short } from '../finding';
import type { DriftReference } from '../reference';
import { sortedDescriptors, type DriftSample } from '../sample';
import { compare, distancePValue, locationPValue, type Comparison } from '../statistics/two-sample';
import { median } from '../statistics/summaries';
import type { WindowsAgainstReference } from './windows';

/** Descriptors shown as evidence. */
const SHOWN = 5;

interface Compared {
  readonly name: string;
  readonly window: Float64Array;
  readonly reference: Float64Array;
  readonly found: Comparison;
}

/** Every descriptor of a window against the reference; those with too few numbers are left out. */
export function compareDescriptors(reference: DriftReference, window: DriftSample): Compared[] {
  const [table, known] = [sortedDescriptors(window), sortedDescriptors(reference.sample)];
  if (!table || !known) return [];
  return known.names.flatMap((name, column) => {
    const at = table.names[column] === name ? column : table.names.indexOf(name);
    if (at < 0) return [];
    const [own, other] = [table.columns[at]!, known.columns[column]!];
    if (own.length < MINIMUM.window || other.length < MINIMUM.reference) return [];
    return [{ name, window: own, reference: other, found: compare(own, other) }];
  });
}

const evidenceOf = ({ name, window, reference, found }: Compared): DriftEvidence => ({
  what: name,
  reference: median(reference),
  window: median(window),
  effectSize: found.delta,
  rows: window.length,
  examples: [],
});

/**
 * Each descriptor by itself, corrected for their number (Bonferroni): location by normal scores, shape by Kolmogorov and Smirnov's
 * distance, half of the budget each.
 */
export function descriptors({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const all = compareDescriptors(reference, window);
  if (all.length === 0)
    return notEnough(
      'descriptors',
      ...([window.rows, reference.sample.rows, ACT_FROM.delta] as const),
      `Descriptors: ${window.rows} rows against ${reference.sample.rows} of the reference; at least ${MINIMUM.window} and ${MINIMUM.reference} with descriptors are needed.`,
    );
  const corrected = (p: number) => Math.min(1, 2 * all.length * p);
  const by = (size: (each: Compared) => number) => [...all].sort((a, b) => size(b) - size(a));
  const moved = by(({ found }) => Math.abs(found.z));
  const reshaped = by(({ found: { distance, n, m } }) => distance * Math.sqrt((n * m) / (n + m)));
  const most = by(({ found }) => Math.abs(found.delta)).slice(0, SHOWN);
  const finding = (chosen: Compared, test: 'location' | 'shape') => {
    const { name, found, window: own, reference: other } = chosen;
    const [before, after] = [short(median(other)), short(median(own))];
    const isLocation = test === 'location';
    const others = most.filter((each) => each !== chosen).slice(0, SHOWN - 1);
    return judge({
      name: 'descriptors',
      test: isLocation ? 'normal scores, permuted' : 'Kolmogorov-Smirnov',
      statistic: isLocation ? found.z : found.distance,
      p: corrected(isLocation ? locationPValue(own, other, found) : distancePValue(found)),
      alpha,
      effect: isLocation ? "Cliff's delta" : 'largest distance of the distribution functions',
      effectSize: isLocation ? found.delta : found.distance,
      effectThreshold: isLocation ? ACT_FROM.delta : ACT_FROM.distance,
      rows: own.length,
      referenceRows: other.length,
      windows,
      evidence: [chosen, ...others].map(evidenceOf),
      change: isLocation
        ? `Molecules differ in ${name}: median ${before} in the reference, ${after} here`
        : `Molecules are spread differently in ${name}: median ${before} in the reference, ${after} here`,
      steady: `None of ${all.length} descriptors differs from the reference`,
    });
  };
  return foremost([finding(moved[0]!, 'location'), finding(reshaped[0]!, 'shape')]);
}
