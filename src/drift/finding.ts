import type { DriftDetector, DriftEvidence, DriftFinding, DriftVerdict } from '../contracts';

/** What a detector measured, before it is judged. */
export interface Measured {
  readonly name: DriftDetector;
  readonly test: string;
  readonly statistic: number;
  /** Corrected for everything the detector compared. */
  readonly p: number;
  readonly alpha: number;
  readonly effect: string;
  readonly effectSize: number;
  readonly effectThreshold: number;
  readonly rows: number;
  readonly referenceRows: number;
  readonly windows: number;
  readonly evidence: readonly DriftEvidence[];
  /** A change that does no harm, such as more coverage, is told and never acted on. */
  readonly harmless?: boolean;
  /** What has changed, as the beginning of a sentence. */
  readonly change: string;
  /** What has not, if nothing has. */
  readonly steady: string;
}

/** A number for people: three significant digits. */
export const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);

/** A share for people. */
export const percent = (share: number): string => `${short(100 * share)} %`;

const tail = (windows: number) => (windows > 1 ? `, over ${windows} windows` : '');

/** Seen when p is below the detector's share of the budget; acted on when it is large as well. */
export function judge(measured: Measured): DriftFinding {
  const { change, steady, harmless = false, alpha, ...rest } = measured;
  const { p, effectSize, effectThreshold, windows } = rest;
  const seen = p < alpha;
  const large = Math.abs(effectSize) >= effectThreshold;
  const verdict: DriftVerdict = !seen ? 'ok' : large && !harmless ? 'act' : 'watch';
  const why =
    verdict !== 'watch'
      ? ''
      : harmless
        ? '; that does no harm by itself'
        : '; that is certain, and too small to act on';
  return {
    ...rest,
    verdict,
    threshold: alpha,
    evidence: [...rest.evidence],
    sentence: verdict === 'ok' ? `${steady}${tail(windows)}.` : `${change}${tail(windows)}${why}.`,
  };
}

/** A finding of too few rows, or of a column that is not there. */
export function notEnough(
  name: DriftDetector,
  rows: number,
  referenceRows: number,
  effectThreshold: number,
  sentence: string,
): DriftFinding {
  const none = { statistic: null, p: null, threshold: null, effectSize: null };
  return {
    ...{ name, verdict: 'not-enough-data' as const, test: 'none', ...none },
    ...{ effect: '', effectThreshold, rows, referenceRows, windows: 1, evidence: [], sentence },
  };
}

const SEVERITY: Readonly<Record<DriftVerdict, number>> = {
  'not-enough-data': 0,
  ok: 1,
  watch: 2,
  act: 3,
};

export const worst = (verdicts: readonly DriftVerdict[]): DriftVerdict =>
  verdicts.reduce<DriftVerdict>((a, b) => (SEVERITY[b] > SEVERITY[a] ? b : a), 'not-enough-data');

/** How far a p-value lies below (less than 1) or above what it is held against. */
const ratio = ({ p, threshold }: DriftFinding) => (p === null || threshold === null ? 1 : p / threshold);

/** Of several findings of one detector the one to tell: the most severe, then the most certain. @param findings at least one */
export const foremost = (findings: readonly DriftFinding[]): DriftFinding =>
  findings.reduce((a, b) => {
    const by = SEVERITY[b.verdict] - SEVERITY[a.verdict];
    return by > 0 || (by === 0 && ratio(b) < ratio(a)) ? b : a;
  });
