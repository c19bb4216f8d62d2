import { z } from 'zod';

export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits (sha256)');

/** A claim check on bytes in the object store. Only `sha256` takes part in any key; the uri is a hint. */
export const artifactRefSchema = z.strictObject({
  uri: z.string(),
  sha256: sha256Schema,
  /** Size, bytes. */
  bytes: z.number().int().nonnegative(),
  mediaType: z.string(),
});
export type ArtifactRef = z.infer<typeof artifactRefSchema>;

export const MEDIA_TYPES = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
  features: 'application/vnd.titrate.features',
  model: 'application/vnd.titrate.model',
  html: 'text/html; charset=utf-8',
  raw: 'application/octet-stream',
} as const;
