import type { DriftDetector } from '../contracts';

/**
 * False alarms a look, over all detectors together, `watch` included: on a stream that did not change one look in 10,000. What is
 * spent on a look does not depend on how many came before: of n looks the chance that any alarms falsely is at most n times this.
 */
export const FALSE_ALARMS_A_LOOK = 1e-4;

/** How the budget is shared; skew has none of it, for it compares numbers that must be equal. */
type Spender = Exclude<DriftDetector, 'skew'>;
const SHARES: Readonly<Record<Spender, number>> = {
  descriptors: 0.15,
  fingerprints: 0.1,
  similarity: 0.1,
  scaffolds: 0.15,
  predictions: 0.05,
  uncertainty: 0.05,
  bias: 0.07,
  noise: 0.07,
  coverage: 0.04,
  ranking: 0.04,
  hits: 0.02,
  units: 0.04,
  schema: 0.02,
  plates: 0.08,
  labs: 0.02,
};
const SPENDERS = Object.keys(SHARES) as Spender[];

/**
 * Windows that are taken together, each span a test of its own: one window for what comes at once, four and sixteen for what creeps and for
 * what is too small for one. The first gets most of the budget.
 */
export const SPANS = [1, 4, 16] as const;
const SPAN_SHARES: Readonly<Record<number, number>> = { 1: 0.6, 4: 0.2, 16: 0.2 };

/** What is of one window: a plate is of one batch, and a wrong unit or what was served is looked at as it comes. */
export const OF_ONE_WINDOW: readonly DriftDetector[] = ['plates', 'units', 'skew'];

/**
 * The p-value below which a detector's change counts, in a span of so many windows.
 * @param without detectors that do not look: a look spends all of its budget on those that do
 */
export function alphaOf(detector: Spender, span: number, without: readonly DriftDetector[] = []): number {
  const spent = SPENDERS.reduce((sum, name) => sum + (without.includes(name) ? 0 : SHARES[name]), 0);
  const ofSpan = OF_ONE_WINDOW.includes(detector) ? 1 : SPAN_SHARES[span]!;
  return (FALSE_ALARMS_A_LOOK * SHARES[detector] * ofSpan) / spent;
}

/**
 * From which size on a change is one to act on. Cliff's delta of 0.2 is a shift of about 0.36 standard deviations of a normal
 * distribution: less than that moves a prediction less than its own error.
 */
export const ACT_FROM = {
  delta: 0.2,
  distance: 0.2,
  /** Of a classifier that tells window from reference by fingerprints: area under its curve less 1/2, times 2. */
  separation: 0.2,
  /** Part of the molecules with a known scaffold that is missing: in a diverse library most scaffolds are new at any time. */
  newScaffolds: 0.3,
  /** Share of the window that has one scaffold, beyond its share in the reference. */
  oneScaffold: 0.1,
  /** In standard deviations of the reference's residuals. */
  bias: 0.35,
  plateOffset: 0.6,
  /** Ratio of standard deviations of residuals. */
  noise: 1.35,
  coverage: 0.1,
  rankCorrelation: 0.2,
  hitRate: 0.1,
  unreadable: 0.05,
  skewedRows: 0.01,
} as const;

/** Rows below which nothing is said. */
export const MINIMUM = {
  window: 25,
  reference: 100,
  /** Values that came back, in a window and in the reference. */
  truth: 16,
  referenceTruth: 50,
  plate: 8,
  skew: 10,
} as const;
