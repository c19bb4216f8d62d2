import { modelFamilySchema, TitrateError, type ModelFamily } from '../../contracts';

/** A stack as it is stored; lists have one entry a model. */
export interface StackDefinition {
  readonly weights: readonly number[];
  /** Part of the bundle that each model reads. */
  readonly parts: readonly number[];
  /** Name of the features that each model was trained on. */
  readonly featurizers: readonly string[];
  readonly models: readonly { readonly family: ModelFamily; readonly bytes: Uint8Array }[];
}

const MAGIC = 'TTRSTK01';

interface Header extends Omit<StackDefinition, 'models'> {
  readonly models: readonly { readonly family: ModelFamily; readonly bytes: number }[];
}

/** The magic, the length of a JSON header (uint32, little-endian), the header, then the models' own bytes one after another. */
export function encodeStack({ weights, parts, featurizers, models }: StackDefinition): Uint8Array {
  const header: Header = {
    weights,
    parts,
    featurizers,
    models: models.map(({ family, bytes }) => ({ family, bytes: bytes.length })),
  };
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), length, json, ...models.map(({ bytes }) => bytes)]);
}

/** @throws artifact-corrupt when the bytes are no stack or are cut short */
export function decodeStack(bytes: Uint8Array): StackDefinition {
  const corrupt = (what: string, cause?: unknown) =>
    new TitrateError(
      'artifact-corrupt',
      { what, where: 'stack model', remedy: 'Fetch the model again, or train it again' },
      { cause },
    );
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = MAGIC.length + 4;
  if (buffer.length < start || buffer.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw corrupt(`These ${bytes.length} bytes are not a serialised stack (they do not start with ${MAGIC})`);
  let at = start + buffer.readUInt32LE(MAGIC.length);
  let header: Header;
  try {
    header = JSON.parse(buffer.toString('utf8', start, at)) as Header;
    header.models.forEach(({ family }) => modelFamilySchema.exclude(['stack']).parse(family));
  } catch (cause) {
    throw corrupt('The header of the stack cannot be read', cause);
  }
  const expected = header.models.reduce((sum, model) => sum + model.bytes, at);
  if (expected !== bytes.length)
    throw corrupt(`The stack has ${bytes.length} bytes; its header says ${expected}`);
  const models = header.models.map((model) => ({
    family: model.family,
    // A copy: families may want the bytes aligned, or keep them.
    bytes: bytes.slice(at, (at += model.bytes)),
  }));
  return { ...header, models };
}
