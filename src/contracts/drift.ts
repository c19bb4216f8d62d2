import { z } from 'zod';

/** What is looked at. A name is the finding's, the budget's and the metric's. */
export const DRIFT_DETECTORS = [
  // Inputs: what is asked.
  'descriptors',
  'fingerprints',
  'similarity',
  'scaffolds',
  // Outputs: what the model answers.
  'predictions',
  'uncertainty',
  // Truth: how it did, where values came back.
  'bias',
  'noise',
  'coverage',
  'ranking',
  'hits',
  // Data: how values arrive.
  'units',
  'schema',
  'plates',
  'labs',
  // Whether serving computes what training computed.
  'skew',
] as const;
export const driftDetectorSchema = z.enum(DRIFT_DETECTORS);
export type DriftDetector = z.infer<typeof driftDetectorSchema>;

export const DRIFT_VERDICTS = ['not-enough-data', 'ok', 'watch', 'act'] as const;
export const driftVerdictSchema = z.enum(DRIFT_VERDICTS);
/** `watch`: there is a change, and it is small. `act`: there is one, and it is large enough to matter. */
export type DriftVerdict = z.infer<typeof driftVerdictSchema>;

/** What a pattern of findings comes from. */
export const DRIFT_CAUSES = [
  'scaffold-switch',
  'heavier-molecules',
  'lighter-molecules',
  'property-shift',
  'input-shift',
  'plate-offset',
  'lab-offset',
  'assay-shift',
  'unit-error',
  'noise-up',
  'creep',
  'serving-skew',
  'schema-change',
  'model-decay',
] as const;
export const driftCauseSchema = z.enum(DRIFT_CAUSES);
export type DriftCause = z.infer<typeof driftCauseSchema>;

/** One descriptor, bit, scaffold, plate, laboratory or column that a finding rests on. */
export const driftEvidenceSchema = z.strictObject({
  what: z.string(),
  /** In the reference and in the window; null where there is no such number. */
  reference: z.number().nullable(),
  window: z.number().nullable(),
  effectSize: z.number().nullable(),
  rows: z.number().int().nonnegative(),
  /** SMILES, plates or lines, at most three. */
  examples: z.array(z.string()),
});
export type DriftEvidence = z.infer<typeof driftEvidenceSchema>;

export const driftFindingSchema = z.strictObject({
  name: driftDetectorSchema,
  verdict: driftVerdictSchema,
  /** Name and value of the test's statistic; null without enough data. */
  test: z.string(),
  statistic: z.number().nullable(),
  /** Corrected for everything this detector compared; null where no test is made (skew, a column that is gone). */
  p: z.number().nullable(),
  /** The p-value below which a change counts as seen. */
  threshold: z.number().nullable(),
  effect: z.string().describe('What effectSize is, in words and unit.'),
  effectSize: z.number().nullable(),
  /** The size from which a change that is seen is one to act on. */
  effectThreshold: z.number(),
  rows: z.number().int().nonnegative(),
  referenceRows: z.number().int().nonnegative(),
  /** Windows that were taken together, this one the last of them. */
  windows: z.number().int().positive(),
  evidence: z.array(driftEvidenceSchema),
  sentence: z.string(),
});
export type DriftFinding = z.infer<typeof driftFindingSchema>;

export const driftDiagnosisSchema = z.strictObject({
  cause: driftCauseSchema,
  /** Of a creep: what it is that creeps. */
  of: driftCauseSchema.optional(),
  /** Other causes that the findings speak for. */
  also: z.array(driftCauseSchema),
  /** Descriptor, plate, laboratory, unit or column. */
  subject: z.string().nullable(),
  sentence: z.string(),
});
export type DriftDiagnosis = z.infer<typeof driftDiagnosisSchema>;

/** The verdict on one window. */
export const driftLookSchema = z.strictObject({
  verdict: driftVerdictSchema,
  findings: z.array(driftFindingSchema),
  diagnosis: driftDiagnosisSchema.nullable(),
});
export type DriftLook = z.infer<typeof driftLookSchema>;
