import type { DriftCause, DriftDiagnosis, DriftFinding } from '../contracts';
import { MINIMUM } from './budget';
import { compareDescriptors } from './detectors/descriptors';
import { groupOffsets } from './detectors/plates';
import { noise } from './detectors/truth';
import type { WindowsAgainstReference } from './detectors/windows';
import { inputCause } from './input-causes';
import { isCreeping } from './onset';
import type { DriftReference } from './reference';
import { groupsOf, residualsOfBoth } from './residuals';
import type { DriftSample } from './sample';
import { median, robustDeviation, sortedFinite } from './statistics/summaries';
import { compare } from './statistics/two-sample';

export interface DiagnosisRequest {
  readonly reference: DriftReference;
  readonly history: readonly DriftSample[];
  readonly window: DriftSample;
  readonly findings: readonly DriftFinding[];
}

interface Candidate {
  readonly cause: DriftCause;
  readonly subject: string | null;
  readonly sentence: string;
  /** Its size in each window, for how it came about; null where it comes at once by its nature. */
  readonly course: ((window: DriftSample) => number) | null;
}

/** Groups of a window that are large enough to be compared. */
const comparable = (window: DriftSample, key: 'plates' | 'labs') =>
  [...groupsOf(window[key]).values()].filter((rows) => rows.length >= MINIMUM.plate).length;

/** When the rows that are on none of the groups named are off by this part of what those are, it is not the groups. */
const EVERYWHERE = 0.4;

function isEverywhere(key: 'plates' | 'labs', finding: DriftFinding, request: DiagnosisRequest): boolean {
  const both = residualsOfBoth(request.reference, request.window);
  if (!both) return false;
  const named = new Set(finding.evidence.map(({ what }) => what));
  const rest = sortedFinite(both.window.all.filter((_, row) => !named.has(request.window[key]![row] ?? '')));
  if (rest.length < MINIMUM.plate) return true;
  const reference = sortedFinite(both.reference.all);
  const offset = (median(rest) - median(reference)) / robustDeviation(reference);
  return offset / finding.effectSize! >= EVERYWHERE;
}

/** A window by itself, of which only the size of a change is asked. */
const alone = (reference: DriftReference, window: DriftSample): WindowsAgainstReference => ({
  ...{ reference, window, windows: 1, alpha: 0 },
});

function offsetCause(
  key: 'plates' | 'labs',
  finding: DriftFinding | undefined,
  request: DiagnosisRequest,
): Candidate | null {
  if (finding?.verdict !== 'act') return null;
  const compared = comparable(request.window, key);
  const [most] = finding.evidence;
  if (compared > 1 && isEverywhere(key, finding, request)) return null;
  return {
    cause: key === 'plates' ? 'plate-offset' : 'lab-offset',
    subject: most!.what,
    sentence: finding.sentence,
    // A series of single plates that drift apart is a creep of the assay.
    course: compared > 1 ? null : (each) => groupOffsets(key, alone(request.reference, each)).effectSize ?? 0,
  };
}

/** Cliff's delta of the residuals: it wanders less from window to window than the median does. */
function residualShift(reference: DriftReference, window: DriftSample): number {
  const both = residualsOfBoth(reference, window);
  if (!both) return 0;
  return compare(sortedFinite(both.window.all), sortedFinite(both.reference.all)).delta;
}

/** Causes that the findings speak for, the one that explains most of the others first. */
function candidates(request: DiagnosisRequest): Candidate[] {
  const { reference, window, findings } = request;
  const by = new Map(findings.map((finding) => [finding.name as string, finding]));
  const acting = (name: string) => (by.get(name)?.verdict === 'act' ? by.get(name)! : null);
  const found: (Candidate | null)[] = [];
  const simple = (finding: DriftFinding | null, cause: DriftCause, subject?: string | null) =>
    finding && {
      cause,
      subject: subject ?? finding.evidence[0]?.what ?? null,
      sentence: finding.sentence,
      course: null,
    };
  found.push(simple(acting('schema'), 'schema-change'));
  found.push(simple(acting('skew'), 'serving-skew'));
  const units = simple(acting('units'), 'unit-error');
  found.push(units);
  const offset = units
    ? null
    : (offsetCause('labs', by.get('labs'), request) ?? offsetCause('plates', by.get('plates'), request));
  found.push(offset);
  const input = inputCause(reference, window, by);
  // Served numbers that are wrong move what the model answers, too.
  if (input && !(acting('skew') && input.cause === 'input-shift'))
    found.push({
      ...input,
      course: (each) => {
        if (input.descriptor === null) return 0;
        const compared = compareDescriptors(reference, each).find(({ name }) => name === input.descriptor);
        return compared?.found.delta ?? 0;
      },
    });
  // An offset of one plate, or a wrong unit, moves residuals as a whole: those are not causes beside it.
  if (!units && !offset) {
    const scattered = acting('noise');
    const moved = acting('bias') ?? acting('plates') ?? acting('labs');
    if (moved)
      found.push({
        ...simple(moved, 'assay-shift', null)!,
        course: (each) => residualShift(reference, each),
      });
    if (scattered)
      found.push({
        ...simple(scattered, 'noise-up', null)!,
        course: (each) => (noise(alone(reference, each)).effectSize ?? 1) - 1,
      });
    const worse = acting('coverage') ?? acting('ranking') ?? acting('hits');
    if (worse && !moved && !scattered) found.push(simple(worse, 'model-decay', worse.name));
  }
  return found.filter((each) => each !== null);
}

const WORDS: Readonly<Record<DriftCause, string>> = {
  'scaffold-switch': 'a switch of scaffolds',
  'heavier-molecules': 'molecules becoming heavier',
  'lighter-molecules': 'molecules becoming lighter',
  'property-shift': 'a property of the molecules',
  'input-shift': 'the molecules',
  'plate-offset': 'the offset of plates',
  'lab-offset': 'the offset of a laboratory',
  'assay-shift': 'the assay',
  'unit-error': 'a unit',
  'noise-up': 'the noise of the values',
  creep: 'a creep',
  'serving-skew': 'what is served',
  'schema-change': 'the columns',
  'model-decay': 'the model',
};

/** Names what the findings of a window come from; null while there is nothing to act on. */
export function diagnose(request: DiagnosisRequest): DriftDiagnosis | null {
  const { history, window, findings } = request;
  if (!findings.some(({ verdict }) => verdict === 'act')) return null;
  const [main, ...others] = candidates(request);
  if (!main) return null;
  const { cause, subject, sentence, course } = main;
  const also = [...new Set(others.map((other) => other.cause))].filter((other) => other !== cause);
  if (course && isCreeping([...history, window].map(course)))
    return {
      ...{ cause: 'creep', of: cause, also, subject },
      sentence: `It came bit by bit, over ${history.length + 1} windows or more: ${WORDS[cause]}. ${sentence}`,
    };
  return { cause, also, subject, sentence };
}
