import { z } from 'zod';

/** What the molecule endpoints take and give, as the documentation of the server shows it and as its tests check it. */
const interval = z.tuple([z.number(), z.number()]);

export const predictRequestSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .optional()
    .describe("'campaign', 'campaign/v3' or 'campaign@alias'; may be left out where one model is live"),
  smiles: z.array(z.unknown()).describe('SMILES, one a molecule'),
});

export const moleculePredictionSchema = z
  .strictObject({
    smiles: z.string().describe('As it was asked for'),
    standardSmiles: z.string(),
    moleculeId: z.string(),
    value: z.number().describe('In the unit of the property; of a classification the probability of 1'),
    standardDeviation: z.number(),
    aleatoric: z.number(),
    epistemic: z.number(),
    interval90: interval.describe('Central 90 % interval'),
    nearest: z
      .strictObject({ similarity: z.number(), moleculeId: z.string(), smiles: z.string() })
      .nullable()
      .describe('Nearest training molecule, Tanimoto on ECFP4'),
    applicable: z
      .boolean()
      .nullable()
      .describe('Whether the model was judged on molecules as near as this one'),
  })
  .describe('A prediction');

export const moleculeFailureSchema = z
  .strictObject({ smiles: z.string(), error: z.string(), reason: z.string() })
  .describe('A molecule without a prediction');

export const predictAnswerSchema = z.strictObject({
  model: z.string(),
  version: z.string().describe('Model version that made the predictions'),
  property: z.string(),
  unit: z.string().nullable(),
  predictions: z.array(z.union([moleculePredictionSchema, moleculeFailureSchema])),
});

const line = { line: z.number().int().min(1), id: z.unknown().optional() };
/** One line to /predict/batch; a JSON string alone is a SMILES as well. */
export const batchLineSchema = z.union([
  z.string(),
  z.strictObject({ smiles: z.string(), id: z.union([z.string(), z.number()]).optional() }),
]);
/** One line from it. */
export const batchAnswerSchema = z.union([
  moleculePredictionSchema.extend(line),
  moleculeFailureSchema.extend({ ...line, smiles: z.string().nullable() }),
]);

export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  retryable: z.boolean(),
  error: z.string(),
  retryAfter: z.number().int().optional().describe('Seconds'),
});

const tensorMetadata = z.strictObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.number().int()),
});
export const modelMetadataSchema = z.strictObject({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensorMetadata),
  outputs: z.array(tensorMetadata),
  parameters: z.record(z.string(), z.unknown()),
});
const loadFailure = z.strictObject({
  version: z.string(),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  attempts: z.number().int(),
  since: z.string(),
});
export const modelReadySchema = z.strictObject({
  name: z.string(),
  version: z.string().nullable(),
  ready: z.boolean(),
  live: z.string().nullable(),
  failure: loadFailure.nullable(),
});
export const inferAnswerSchema = z.strictObject({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()),
  outputs: z.array(
    z.strictObject({
      name: z.string(),
      shape: z.array(z.number().int()),
      datatype: z.enum(['FP64', 'BYTES']),
      data: z.array(z.union([z.number(), z.string(), z.null()])).optional(),
      parameters: z.strictObject({ binary_data_size: z.number().int() }).optional(),
    }),
  ),
});
export const modelsSchema = z.strictObject({
  models: z.array(
    z.strictObject({
      model: z.string(),
      property: z.string().nullable(),
      unit: z.string().nullable(),
      live: z.string().nullable(),
      desired: z.string().nullable(),
      loading: z.string().nullable(),
      loaded: z.array(z.string()),
      registered: z.number().int(),
      latest: z.string().nullable(),
      failure: loadFailure.nullable(),
      warnings: z.array(z.string()),
    }),
  ),
});
export const serverMetadataSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
});
export const healthSchema = z.strictObject({ live: z.boolean(), ready: z.boolean().optional() });
