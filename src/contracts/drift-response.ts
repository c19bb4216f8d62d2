import { z } from 'zod';
import { driftCauseSchema, driftDetectorSchema, driftLookSchema, driftVerdictSchema } from './drift';
import { durationSchema } from './durations';
import { sourceSchema } from './sources';

/** What can be done about a drift, from what changes the campaign to what only says so. */
export const DRIFT_ACTIONS = [
  'retrain',
  're-explore',
  'widen-pool',
  'control-plate',
  'roll-back',
  'pause',
  'tell',
] as const;
export const driftActionSchema = z.enum(DRIFT_ACTIONS);
/**
 * `retrain`: the model learns anew from all that is known. `re-explore`: so do its settings. `widen-pool`: what is asked for
 * becomes what is screened. `control-plate`: molecules that were measured before are measured beside the ones in doubt. `roll-back`:
 * the version before answers again. `pause`: nothing is proposed or learnt until somebody says so. `tell`: somebody is told.
 */
export type DriftAction = z.infer<typeof driftActionSchema>;

const duration = durationSchema('6 hours');

export const driftRuleSchema = z
  .strictObject({
    when: z.strictObject({
      verdict: z.enum(['watch', 'act']).default('act').describe('Verdict of the look.'),
      causes: z
        .array(driftCauseSchema)
        .min(1)
        .optional()
        .describe('What it comes from; of a creep, what creeps counts too. Default: anything.'),
      detectors: z
        .array(driftDetectorSchema)
        .min(1)
        .optional()
        .describe('Only where one of these has that verdict.'),
    }),
    do: z.array(driftActionSchema).max(7).describe('Done at once, all of them; empty: nothing.'),
    then: z
      .array(driftActionSchema)
      .max(7)
      .default([])
      .describe('Done one after the other, each when what was done before it has not helped.'),
    cooldown: duration.default('1 day').describe('Until the same is done again.'),
    limit: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(5)
      .describe('How often each action is taken in a campaign.'),
  })
  .refine(
    (rule) => rule.when.verdict === 'act' || [...rule.do, ...rule.then].every((action) => action === 'tell'),
    {
      message: "'watch' is a change too small to act on: somebody can be told of it, and no more",
      path: ['do'],
    },
  );
export type DriftRule = z.infer<typeof driftRuleSchema>;

const approval = z.enum(['automatic', 'manual']).default('automatic');

/** What a campaign does about drift: its configuration's key `drift`. */
export const driftPolicySchema = z.strictObject({
  enabled: z.boolean().default(true),
  every: duration.default('6 hours').describe('Time between looks; there is one after each batch as well.'),
  window: z.number().int().min(25).max(10_000).default(200).describe('Predictions in a look.'),
  policy: z
    .array(driftRuleSchema)
    .max(50)
    .default([])
    .describe('The first rule that fits is followed; where none does, those that every campaign has.'),
  approval: z
    .strictObject({
      retrain: approval,
      're-explore': approval,
      'widen-pool': approval,
      'control-plate': approval,
      'roll-back': approval,
      pause: approval,
      tell: approval,
    } satisfies Record<DriftAction, typeof approval>)
    .prefault({})
    .describe("'manual': planned, and done when somebody has said so."),
  widen: z
    .strictObject({
      sources: z
        .array(sourceSchema)
        .max(100)
        .default([])
        .describe("Taken into the pool when it is widened, as the pool's own sources are read."),
      asked: z
        .boolean()
        .default(true)
        .describe('So are the molecules that were asked about, where the serving log keeps them.'),
    })
    .prefault({}),
  hooks: z
    .strictObject({
      webhook: z.url().optional().describe('Where what is told is sent to, as JSON by POST.'),
    })
    .prefault({}),
});
export type DriftPolicy = z.infer<typeof driftPolicySchema>;

/**
 * Figures of rows by which an action's effect is judged; each is of single rows, so that its noise is known. `root-error`: the square root of the
 * absolute error, whose mean has a normal distribution on few rows even where errors have heavy tails. `skewed`: 1 for a row that was served wrongly.
 */
export const DRIFT_MEASURES = ['absolute-error', 'root-error', 'skewed', 'similarity', 'deviation'] as const;
export const driftMeasureSchema = z.strictObject({
  name: z.enum(DRIFT_MEASURES),
  rows: z.number().int().nonnegative(),
  mean: z.number(),
  /** Standard deviation of single rows. */
  deviation: z.number().nonnegative(),
});
export type DriftMeasure = z.infer<typeof driftMeasureSchema>;

/** Figures of a window, or of windows taken together. */
export const driftFiguresSchema = z.strictObject({
  rows: z.number().int().nonnegative(),
  measures: z.array(driftMeasureSchema),
  /**
   * Row by row, what the present state has less than the one before the action on the same rows (the model that was replaced asked
   * beside the one that answers): a gain above 0 is an error that became smaller. The sharper comparison where it can be had.
   */
  gain: driftMeasureSchema.nullable().default(null),
});
export type DriftFigures = z.infer<typeof driftFiguresSchema>;

/** A look as it is kept. */
export const driftLookRecordSchema = z.strictObject({
  id: z.string().min(1),
  at: z.iso.datetime(),
  /** What was looked at: molecules that were asked about, or a batch that came back. */
  stream: z.enum(['asked', 'returned']),
  look: driftLookSchema,
  figures: driftFiguresSchema,
});
export type DriftLookRecord = z.infer<typeof driftLookRecordSchema>;

/** What an action rests on: the look, and those of its findings that have its verdict. */
export const driftActionEvidenceSchema = z.strictObject({
  look: z.string().min(1),
  verdict: driftVerdictSchema,
  findings: z
    .array(
      z.strictObject({
        name: driftDetectorSchema,
        effectSize: z.number().nullable(),
        p: z.number().nullable(),
        rows: z.number().int().nonnegative(),
        sentence: z.string(),
      }),
    )
    .min(1),
});
export type DriftActionEvidence = z.infer<typeof driftActionEvidenceSchema>;

export const DRIFT_EFFECTS = ['helped', 'no-change', 'worse', 'not-known-yet'] as const;
export const driftEffectSchema = z.enum(DRIFT_EFFECTS);
export type DriftEffect = z.infer<typeof driftEffectSchema>;

export const plannedActionSchema = z.strictObject({
  /** `<look>/<action>`: planning the same look again gives the same ids. */
  id: z.string().min(1),
  at: z.iso.datetime(),
  action: driftActionSchema,
  /** Null: a look that was not diagnosed. Of a creep, what creeps. */
  cause: driftCauseSchema.nullable(),
  /** Plate, laboratory, descriptor, unit or column. */
  subject: z.string().nullable(),
  /** 0: what a rule does at once; from 1: what it does when that has not helped. */
  rung: z.number().int().nonnegative(),
  evidence: driftActionEvidenceSchema,
  before: driftFiguresSchema,
  approval: z.enum(['automatic', 'manual']),
  sentence: z.string(),
});
export type PlannedAction = z.infer<typeof plannedActionSchema>;

/** An action as it is kept, from when it was planned on. */
export const driftActionRecordSchema = plannedActionSchema.extend({
  state: z.enum(['waiting', 'done', 'declined', 'failed']),
  /** When it was done. */
  doneAt: z.iso.datetime().nullable(),
  /** Figures since then, all later windows together. */
  after: driftFiguresSchema.nullable(),
  /** How often the effect has been looked at: what a look may spend on a false verdict depends on it. */
  judged: z.number().int().nonnegative(),
  effect: driftEffectSchema,
  /** What the effect rests on, with its interval. */
  effectSentence: z.string(),
});
export type DriftActionRecord = z.infer<typeof driftActionRecordSchema>;
