import { z } from 'zod';
import { artifactRefSchema, sha256Schema } from './artifacts';
import { moleculeIdSchema } from './molecules';

/** `=` measured; `<` the true value lies below `value`; `>` above it (censored). */
export const qualifierSchema = z.enum(['=', '<', '>']);
export type Qualifier = z.infer<typeof qualifierSchema>;

export const outcomeSchema = z
  .enum(['measured', 'failed', 'abandoned'])
  .describe(
    'measured: `value` counts. failed: tried, no value. abandoned: never tried, of whichever property; the molecule is a candidate again.',
  );

/** What a lab posts about one molecule. `resultId` is the client's idempotency key: posted twice, it counts once. */
export const labResultSchema = z
  .strictObject({
    resultId: z.string().min(1).max(200),
    batchId: z.string().max(300).optional(),
    moleculeId: moleculeIdSchema.optional(),
    smiles: z.string().min(1).max(4000).optional(),
    property: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe("Which of the campaign's properties it is about. Default: the first one."),
    outcome: outcomeSchema.default('measured'),
    value: z.number().optional().describe("In `unit`, or the campaign's unit."),
    unit: z.string().max(50).optional(),
    qualifier: qualifierSchema.default('='),
    replicate: z.number().int().positive().optional(),
    well: z.string().max(50).optional(),
    plate: z.string().max(100).optional(),
    measuredAt: z.iso.datetime({ offset: true }).optional(),
    lab: z.string().max(200).optional(),
    compoundId: z.string().max(200).optional().describe("The lab's own name for the compound."),
    replaces: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('resultId of the earlier result that this one corrects.'),
    note: z.string().max(2000).optional(),
  })
  .refine((r) => r.moleculeId !== undefined || r.smiles !== undefined, {
    message: 'names no molecule: give moleculeId or smiles',
    path: ['moleculeId'],
  })
  .refine((r) => r.outcome !== 'measured' || (r.value !== undefined && Number.isFinite(r.value)), {
    message: "outcome is 'measured' but there is no finite value",
    path: ['value'],
  });
export type LabResult = z.infer<typeof labResultSchema>;
export type LabResultInput = z.input<typeof labResultSchema>;

/** Signal `labResults` and update `submitResults`: rows inline, or a file by reference or path (large plates). */
export const labResultsMessageSchema = z.union([
  z.strictObject({ results: z.array(z.unknown()).min(1).max(20000) }),
  z.strictObject({ ref: z.union([artifactRefSchema, z.string().min(1)]) }),
]);
export type LabResultsMessage = z.infer<typeof labResultsMessageSchema>;

/** What became of one posted row. */
export interface Receipt {
  readonly resultId: string;
  readonly status: 'accepted' | 'duplicate' | 'rejected';
  readonly moleculeId?: string;
  /** Why a row was rejected, or what a duplicate repeats. */
  readonly message?: string;
}

/** What the model of a further property predicts: value and total standard deviation in its unit, and its calibrated 90 % interval. */
export const propertyPredictionSchema = z.strictObject({
  property: z.string(),
  predicted: z.number(),
  standardDeviation: z.number(),
  interval90: z.tuple([z.number(), z.number()]),
});
export type PropertyPrediction = z.infer<typeof propertyPredictionSchema>;

/** Why a molecule is in a batch, in numbers and in words. */
export const pickSchema = z.strictObject({
  rank: z.number().int().positive(),
  moleculeId: moleculeIdSchema,
  smiles: z.string(),
  compoundId: z.string().optional(),
  /** Predicted value and total standard deviation in the campaign's unit; absent for picks without a model. */
  predicted: z.number().optional(),
  standardDeviation: z.number().optional(),
  /** Calibrated central 90 % interval. */
  interval90: z.tuple([z.number(), z.number()]).optional(),
  /** The same of the campaign's further properties, as far as they have a model. */
  others: z.array(propertyPredictionSchema).optional(),
  /** The acquisition function's value, in its own unit; absent for random picks. */
  acquisition: z.number().optional(),
  strategy: z.string(),
  reason: z.string(),
  /** The acquisition value as a sum: what the mean gives it, and what the uncertainty does. */
  terms: z.strictObject({ exploit: z.number(), explore: z.number() }).optional(),
  /** The measured molecule most like it, and how alike (Tanimoto coefficient of the model's features). */
  nearest: z
    .strictObject({ moleculeId: moleculeIdSchema, smiles: z.string().optional(), similarity: z.number() })
    .optional(),
  /** Share, 0 to 1, of the variance over the candidates in question that measuring it would take away. */
  teaches: z.number().optional(),
  /** Where it goes on the lab's plates: plates count from 1. */
  plate: z.number().int().positive().optional(),
  well: z.string().optional(),
  /** Its price, where the campaign's constraints give prices. */
  cost: z.number().optional(),
});
export type Pick = z.infer<typeof pickSchema>;

/** A molecule that stood high and was not picked, and why. `value`: the acquisition function's, of it alone. */
export const passedOverSchema = z.strictObject({
  moleculeId: moleculeIdSchema,
  smiles: z.string(),
  value: z.number().optional(),
  why: z.string(),
});
export type PassedOverMolecule = z.infer<typeof passedOverSchema>;

/** The sheet a lab works from. `seal` = sha256 over model, data version, rule and picks, fixed before anything is measured. */
export const batchSheetSchema = z.strictObject({
  batchId: z.string(),
  campaignId: z.string(),
  round: z.number().int().positive(),
  property: z.string(),
  unit: z.string().optional(),
  direction: z.enum(['maximize', 'minimize']),
  /** Further properties to measure; absent where there is one. */
  others: z
    .array(
      z.strictObject({
        property: z.string(),
        unit: z.string().optional(),
        direction: z.enum(['maximize', 'minimize']),
      }),
    )
    .optional(),
  modelVersion: z.string().nullable(),
  modelSha256: sha256Schema.nullable(),
  dataVersion: z.string(),
  cutId: z.string(),
  rule: z.record(z.string(), z.unknown()),
  picks: z.array(pickSchema),
  /** Who came next; absent where nobody did, and of batches from before this was told. */
  passedOver: z.array(passedOverSchema).optional(),
  seal: sha256Schema,
});
export type BatchSheet = z.infer<typeof batchSheetSchema>;
