import {
  driftPolicySchema,
  DRIFT_CAUSES,
  type DriftCause,
  type DriftDetector,
  type DriftFigures,
  type DriftFinding,
  type DriftLookRecord,
  type DriftPolicy,
  type DriftVerdict,
} from '../../../src/contracts';

export const DAY = 24 * 3600 * 1000;
export const FIGURES: DriftFigures = { rows: 200, measures: [], gain: null };
export const defaults: DriftPolicy = driftPolicySchema.parse({});
/** Causes that a diagnosis can lay a creep on. */
export const PLAIN_CAUSES = DRIFT_CAUSES.filter((cause) => cause !== 'creep');

export const findingOf = (name: DriftDetector, verdict: DriftVerdict): DriftFinding => ({
  ...{ name, verdict, test: 'test', statistic: 4, p: 1e-7, threshold: 1e-6, effect: 'effect' },
  ...{ effectSize: 1, effectThreshold: 0.2, rows: 200, referenceRows: 1000, windows: 1, evidence: [] },
  sentence: `${name} has changed.`,
});

export function lookOf(
  id: string,
  cause: DriftCause | null,
  more: {
    verdict?: DriftVerdict;
    of?: DriftCause;
    subject?: string;
    findings?: readonly DriftFinding[];
  } = {},
): DriftLookRecord {
  const verdict = more.verdict ?? 'act';
  const findings = [...(more.findings ?? [findingOf('bias', verdict), findingOf('units', 'ok')])];
  return {
    ...{ id, at: '2026-11-01T00:00:00.000Z', stream: 'asked', figures: FIGURES },
    look: {
      ...{ verdict, findings },
      diagnosis:
        cause === null
          ? null
          : {
              ...{ cause, also: [], subject: more.subject ?? null, sentence: `It is ${cause}.` },
              ...(more.of && { of: more.of }),
            },
    },
  };
}
