import { z } from 'zod';
import {
  artifactRefSchema,
  moleculeCapsSchema,
  sha256Schema,
  SOURCE_FORMATS,
  sourceSchema,
  standardisationSchema,
  TEXT_ENCODINGS,
  type ErrorCode,
  type StandardisedPart,
} from '../contracts';
import type { StandardiseInputs } from './step-keys';
import { mappingOf } from './source-mapping';

/**
 * What the launcher, the Beam pipeline and the standardiser process say to each other. The pipeline looks into none of it but
 * `job`, `parts` and `part.part`, `id` and `ok`; see infra/dataflow/README.md.
 */

const readingSchema = z.strictObject({
  format: z.enum(SOURCE_FORMATS),
  compression: z.enum(['none', 'gzip']),
  encoding: z.enum(TEXT_ENCODINGS).nullable(),
  delimiter: z.string().nullable(),
});

/** What all parts of a source have in common. */
export const partJobSchema = z.strictObject({
  /** Version of the step standardise-part: an image with other code must refuse, not record something else. */
  stepVersion: z.number().int(),
  rdkit: z.string(),
  sourceSha256: sha256Schema,
  mapping: sourceSchema.omit({
    uri: true,
    name: true,
    query: true,
    format: true,
    encoding: true,
    delimiter: true,
  }),
  reading: readingSchema,
  caps: moleculeCapsSchema,
  standardisation: standardisationSchema,
  partRows: z.number().int().positive(),
});
export type PartJob = z.infer<typeof partJobSchema>;

/** One part: where its records are. */
export const framedPartSchema = z.strictObject({
  /** 0-based. */
  part: z.number().int().nonnegative(),
  /** NDJSON of SourceRecord. */
  frame: artifactRefSchema,
  records: z.number().int().positive(),
});
export type FramedPart = z.infer<typeof framedPartSchema>;

/** What a pipeline reads: a JSON object. */
export interface PartManifest {
  readonly job: PartJob;
  readonly parts: readonly FramedPart[];
}

/** One line on the standard input of the standardiser process. */
export const standardiserRequestSchema = z.strictObject({
  /** Comes back with the answer; answers come in any order. */
  id: z.union([z.string(), z.number()]),
  job: partJobSchema,
  part: framedPartSchema,
});
export type StandardiserRequest = z.infer<typeof standardiserRequestSchema>;

/** One line on its standard output for each request. */
export type StandardiserAnswer =
  | {
      readonly id: string | number;
      readonly ok: true;
      readonly part: number;
      /** Whether the part was recorded before. */
      readonly cached: boolean;
      readonly output: StandardisedPart;
    }
  | {
      /** null when the line could not be read as a request. */
      readonly id: string | number | null;
      readonly ok: false;
      readonly code: ErrorCode;
      readonly retryable: boolean;
      readonly message: string;
    };

export function partJobOf(inputs: StandardiseInputs, stepVersion: number): PartJob {
  const { source, ...rest } = inputs;
  return { stepVersion, mapping: mappingOf(source), ...rest };
}

/** The inputs a job was made from; the place of the source is not known any more, its hash stands in for it. */
export function inputsOf({ stepVersion: _, mapping, ...rest }: PartJob): StandardiseInputs {
  return { ...rest, source: { uri: `sha256:${rest.sourceSha256}`, ...mapping } };
}
