import { z } from 'zod';
import {
  featurizerSchema,
  TitrateError,
  type FeaturizerSpec,
  type LearningTask,
  type ModelCalibration,
  type ModelFamily,
} from '../../contracts';
import type { InputSection, OnnxLayout } from './layout';
import { decodeMetadata } from './proto';

/** Key of `metadata_props` under which the description stands, as JSON. */
export const METADATA_KEY = 'titrate';
/** Raised when a reader of an older version would misread the columns. */
const FORMAT = 1;

/** What an exported model says of itself. */
export interface OnnxDescription {
  readonly format: typeof FORMAT;
  /** Registered version (`solubility-42/v3`) or the name of a model directory. */
  readonly model: string;
  readonly property: string;
  readonly unit?: string;
  readonly task: LearningTask;
  readonly family: ModelFamily;
  /** Of the whole model: of a stack over several feature sets the bundle. */
  readonly featurizer: FeaturizerSpec;
  /** Is part of the graph; here for the record. */
  readonly calibration: ModelCalibration;
  readonly labels: number;
  readonly dataVersion: string;
  readonly weightsSha256: string;
  /** Version of RDKit whose features it was trained on, and the rule set molecules were standardised by. */
  readonly rdkit: string;
  readonly ruleSet: string;
  /** Properties learnt beside the wanted one, which are not in the graph. */
  readonly auxiliaryLeftOut: number;
  readonly input: OnnxLayout;
}

export const describeModel = (known: Omit<OnnxDescription, 'format'>): OnnxDescription => ({
  format: FORMAT,
  ...known,
});

const place = { from: z.number().int().min(0), part: z.number().int().min(0) };
const section = z.discriminatedUnion('kind', [
  z.object({
    ...place,
    kind: z.literal('bits'),
    featurizer: featurizerSchema,
    count: z.number().int(),
    column: z.number().int(),
  }),
  z.object({
    ...place,
    kind: z.literal('descriptors'),
    names: z.array(z.string()),
    column: z.number().int(),
  }),
  z.object({
    ...place,
    kind: z.literal('counts'),
    featurizers: z.array(featurizerSchema),
    keys: z.array(z.number().int()),
  }),
  z.object({ ...place, kind: z.literal('total') }),
]);
const descriptionSchema = z.looseObject({
  format: z.literal(FORMAT),
  input: z.object({
    columns: z.number().int(),
    featurizers: z.array(z.object({ part: z.number().int(), featurizer: featurizerSchema })),
    sections: z.array(section as unknown as z.ZodType<InputSection>),
  }),
});

/**
 * What a model in ONNX that was exported here says of itself; its `input` is the layout that `onnxInputs` takes.
 * @throws artifact-corrupt when the bytes are no model in ONNX; runtime-mismatch when it is not one of ours, or of a newer format
 */
export function readOnnxDescription(bytes: Uint8Array): OnnxDescription {
  const text = decodeMetadata(bytes).get(METADATA_KEY);
  if (text === undefined) {
    throw new TitrateError('runtime-mismatch', {
      what: `this model in ONNX has no entry '${METADATA_KEY}' in its metadata: titrate did not export it`,
      remedy: 'Export the model with titrate models export',
    });
  }
  const parsed = descriptionSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data as unknown as OnnxDescription;
  const issue = parsed.error.issues[0]!;
  throw new TitrateError('runtime-mismatch', {
    what: `its description cannot be read: ${issue.path.join('.')}: ${issue.message}`,
    where: `metadata of a model in ONNX, '${METADATA_KEY}'`,
    remedy: 'Use the version of titrate that exported it, or export it again',
  });
}

/** @returns undefined for text that is not JSON, which no schema takes */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
