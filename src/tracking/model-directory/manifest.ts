import { z } from 'zod';
import { sha256Schema, TitrateError } from '../../contracts';

/** Names of the files of a model directory. */
export const MODEL_FILES = {
  /** What the directory holds: written last, so that a directory with it is whole. */
  manifest: 'model.json',
  card: 'card.json',
  /** The card for people, in Markdown. */
  document: 'card.md',
  weights: 'weights.bin',
  /** Training molecules and their values, NDJSON of TrainingRow. */
  training: 'training.ndjson',
  /** Predictions of molecules that the model which made them had not seen, NDJSON. */
  heldOut: 'held-out.ndjson',
} as const;

export const MODEL_FORMAT = 'titrate-model';
const FORMAT_VERSION = 1;

const manifestSchema = z.object({
  format: z.literal(MODEL_FORMAT),
  /** Raised when a reader of an older version would misread the directory. */
  formatVersion: z.literal(FORMAT_VERSION),
  /** A name for people: the directory's when it was written. */
  name: z.string().min(1),
  /** Version of titrate that wrote it. */
  code: z.string(),
  files: z.record(
    z.string().regex(/^[a-z][a-z0-9.-]*$/, 'expected a plain file name'),
    z.object({ sha256: sha256Schema, bytes: z.number().int().nonnegative() }),
  ),
});
export type ModelManifest = z.infer<typeof manifestSchema>;

export const newManifest = (content: Pick<ModelManifest, 'name' | 'code' | 'files'>): ModelManifest => ({
  format: MODEL_FORMAT,
  formatVersion: FORMAT_VERSION,
  ...content,
});

/** @throws artifact-corrupt when the text is no manifest of a format this version reads */
export function parseManifest(text: string, where: string): ModelManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TitrateError('artifact-corrupt', { what: 'not JSON', where }, { cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const version = (value as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    throw new TitrateError('runtime-mismatch', {
      what: `format ${version} of a model directory; this version reads ${FORMAT_VERSION}`,
      where,
      remedy: 'Use the version of titrate that wrote it, or a newer one',
    });
  }
  const issue = parsed.error.issues[0]!;
  throw new TitrateError('artifact-corrupt', {
    what: `no manifest of a model: ${issue.path.join('.')}: ${issue.message}`,
    where,
  });
}
