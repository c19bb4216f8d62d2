import type { DriftDetector, DriftFinding, DriftLook } from '../contracts';
import { alphaOf, OF_ONE_WINDOW, SPANS } from './budget';
import { descriptors } from './detectors/descriptors';
import { fingerprints } from './detectors/fingerprints';
import { groupOffsets } from './detectors/plates';
import { scaffolds } from './detectors/scaffolds';
import { schema } from './detectors/schema';
import { shift } from './detectors/shift';
import { skew } from './detectors/skew';
import { bias, coverage, hits, noise, ranking, type HitRule } from './detectors/truth';
import { units } from './detectors/units';
import type { WindowsAgainstReference } from './detectors/windows';
import { diagnose } from './diagnosis';
import { foremost, worst } from './finding';
import type { DriftReference } from './reference';
import { pooled, type DriftSample } from './sample';
import { sortedFinite } from './statistics/summaries';

/** Windows before this one that a look takes into account, at most. */
export const HISTORY_WINDOWS = SPANS[SPANS.length - 1]! - 1;

export interface LookOptions {
  readonly hits?: HitRule;
  /** Detectors to leave out; the others share what these would have spent of the budget. */
  readonly without?: readonly DriftDetector[];
}

type Detect = (seen: WindowsAgainstReference, options: LookOptions) => DriftFinding;

const none = new Float64Array(0);

const column =
  (
    name: 'similarity' | 'predictions' | 'uncertainty',
    key: 'similarity' | 'predicted' | 'deviation',
    what: string,
    harmless?: 'rise' | 'fall',
  ): Detect =>
  ({ reference, window, windows, alpha }) =>
    shift({
      ...{ name, what, alpha, windows, harmless },
      window: window[key] ? sortedFinite(window[key]) : none,
      reference: reference[key] ?? none,
    });

/** In the order they are told. */
const DETECTORS: readonly (readonly [DriftDetector, Detect])[] = [
  ['descriptors', descriptors],
  ['fingerprints', fingerprints],
  ['similarity', column('similarity', 'similarity', 'Similarity to the nearest training molecule', 'rise')],
  ['scaffolds', scaffolds],
  ['predictions', column('predictions', 'predicted', 'What is predicted')],
  ['uncertainty', column('uncertainty', 'deviation', 'The stated standard deviation', 'fall')],
  ['bias', bias],
  ['noise', noise],
  ['coverage', coverage],
  ['ranking', ranking],
  ['hits', (seen, options) => hits(seen, options.hits ?? null)],
  ['units', units],
  ['schema', schema],
  ['plates', (seen) => groupOffsets('plates', seen)],
  ['labs', (seen) => groupOffsets('labs', seen)],
  ['skew', ({ window, windows }) => skew(window, windows)],
];

/** The window with those before it, one sample a span; a span that would take no more windows than the one before is left out. */
function spansOf(
  history: readonly DriftSample[],
  window: DriftSample,
): { span: number; sample: DriftSample; windows: number }[] {
  const all = [...history, window];
  let taken = 0;
  return SPANS.flatMap((span) => {
    const windows = Math.min(span, all.length);
    if (windows === taken) return [];
    taken = windows;
    return [{ span, windows, sample: pooled(all.slice(-windows)) }];
  });
}

/** Of a change, the part that must be there in the newest window too, else it is over: what came before is no verdict on this one. */
const STILL_THERE = 1 / 3;

function isGoingOn(now: DriftFinding, together: DriftFinding): boolean {
  // A rest of a few rows says nothing of a change that the windows before it had.
  if (2 * now.rows * together.windows < together.rows) return false;
  if (now.effectSize === null || together.effectSize === null) return true;
  // A ratio is 1 where nothing has changed.
  const size = ({ effectSize }: DriftFinding) => Math.abs(effectSize! - (now.name === 'noise' ? 1 : 0));
  return size(now) >= STILL_THERE * size(together);
}

/**
 * The verdict on a window. Pure: the same reference, history and window give the same answer, and the order of rows means nothing.
 * @param history the windows before this one, oldest first; HISTORY_WINDOWS of them are looked at. A stream is looked at window by
 * window, each once: that is what the budget of false alarms is spent on.
 */
export function look(
  reference: DriftReference,
  history: readonly DriftSample[],
  window: DriftSample,
  options: LookOptions = {},
): DriftLook {
  const recent = history.slice(-HISTORY_WINDOWS);
  const spans = spansOf(recent, window);
  const { without = [] } = options;
  const findings = DETECTORS.filter(([name]) => !without.includes(name)).map(([name, detect]) => {
    const looked = OF_ONE_WINDOW.includes(name) ? spans.slice(0, 1) : spans;
    const found = looked.map(({ span, sample, windows }) => {
      const alpha = name === 'skew' ? 0 : alphaOf(name, span, without);
      return detect({ reference, window: sample, windows, alpha }, options);
    });
    return foremost(found.filter((each) => each === found[0] || isGoingOn(found[0]!, each)));
  });
  return {
    verdict: worst(findings.map(({ verdict }) => verdict)),
    findings,
    diagnosis: diagnose({ reference, history: recent, window, findings }),
  };
}
