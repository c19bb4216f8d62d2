import { z } from 'zod';

/** What the first line of a segment says it is. */
export const PREDICTION_LOG_FORMAT = 'titrate-predictions/1';

/**
 * First line of a segment of the prediction log: what the sample was drawn from. A segment is NDJSON of one model version and one
 * stretch of time: this line, then one record a sampled molecule, in no order.
 */
export const predictionSegmentSchema = z.strictObject({
  format: z.literal(PREDICTION_LOG_FORMAT),
  /** Campaign, and `v3`. */
  model: z.string(),
  version: z.string(),
  property: z.string(),
  unit: z.string().nullable(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  /** Molecules predicted and refused in that time, sampled or not. */
  seen: z.number().int().nonnegative(),
  rejected: z.number().int().nonnegative(),
  /** Every molecule predicted had the chance `records / seen` of being here. */
  records: z.number().int().nonnegative(),
  /** Names of the records' descriptors, in their order; RDKit's version. */
  descriptors: z.array(z.string()),
  rdkit: z.string(),
  release: z.string(),
});
export type PredictionSegment = z.infer<typeof predictionSegmentSchema>;

/** One sampled prediction, in the unit of the property. */
export const predictionRecordSchema = z.strictObject({
  /** To the second. */
  at: z.iso.datetime(),
  /** Hash of the standard molecule; null where the installation keeps none. */
  moleculeId: z.string().nullable(),
  value: z.number(),
  standardDeviation: z.number(),
  /** To the nearest training molecule, 0..1; null for a model without any. */
  similarity: z.number().nullable(),
  applicable: z.boolean().nullable(),
  /** RDKit's descriptors of the standard molecule; null where one is not finite, or all could not be had. */
  descriptors: z.array(z.number().nullable()).nullable(),
  /** Only with `inference.log.smiles`. */
  smiles: z.string().optional(),
});
export type PredictionRecord = z.infer<typeof predictionRecordSchema>;
