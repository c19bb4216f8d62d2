import { TitrateError, type FeaturizerSpec, type MlpEnsembleSettings } from '../../contracts';
import type { BackendName } from '../backends';
import type { InputEncoding } from './inputs';
import type { TargetScale } from './labels';
import { parameterShapes } from './network';

/** All there is to an ensemble once it is trained. */
export interface EnsembleState {
  readonly backend: BackendName;
  readonly backendVersion: string;
  readonly settings: MlpEnsembleSettings;
  readonly featurizer: FeaturizerSpec;
  readonly encoding: InputEncoding;
  readonly target: TargetScale;
  readonly facts: Readonly<Record<string, number | string>>;
  /** Parameters of each member, in the order and shapes of `parameterShapes`; views of one shared buffer. */
  readonly members: readonly Float32Array[][];
}

/** Shapes of a member's parameters. */
export function memberShapes({
  encoding,
  settings,
}: Pick<EnsembleState, 'encoding' | 'settings'>): number[][] {
  return parameterShapes({
    sparse: encoding.sparse.length,
    dense: encoding.dense.length,
    hidden: settings.hidden,
  });
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);

/** Copies parameters into shared memory, where threads read them without another copy. */
export function shareMembers(members: readonly (readonly Float32Array[])[]): Float32Array[][] {
  const floats = members.flat().reduce((sum, { length }) => sum + length, 0);
  const shared = new Float32Array(new SharedArrayBuffer(floats * 4));
  let at = 0;
  return members.map((parameters) =>
    parameters.map((values) => {
      shared.set(values, at);
      return shared.subarray(at, (at += values.length));
    }),
  );
}

const MAGIC = 'TTRMLPE1';

type Header = Omit<EnsembleState, 'encoding' | 'members'> & {
  readonly layout: InputEncoding['layout'];
  readonly columns: number;
  readonly sparse: number;
  readonly dense: number;
};

/**
 * Bytes of a model: the magic, the header's length (uint32), a JSON header padded with spaces to a multiple of four, then,
 * little-endian: int32 source columns of the sparse and the dense inputs, float32 centres and scales, float32 parameters
 * member by member. The same model gives the same bytes.
 */
export function encodeEnsemble(state: EnsembleState): Uint8Array {
  const { encoding, members, ...rest } = state;
  const header: Header = {
    ...rest,
    layout: encoding.layout,
    columns: encoding.columns,
    sparse: encoding.sparse.length,
    dense: encoding.dense.length,
  };
  let json = Buffer.from(JSON.stringify(header), 'utf8');
  json = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, ' ')]);
  const parts = [encoding.sparse, encoding.dense, encoding.centre, encoding.scale, ...members.flat()];
  const start = MAGIC.length + 4 + json.length;
  const bytes = new Uint8Array(start + parts.reduce((sum, part) => sum + part.byteLength, 0));
  bytes.set(Buffer.from(MAGIC, 'latin1'));
  new DataView(bytes.buffer).setUint32(MAGIC.length, json.length, true);
  bytes.set(json, MAGIC.length + 4);
  let at = start;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return bytes;
}

/** @throws artifact-corrupt when the bytes are no ensemble, are cut short or carry a number that is not finite */
export function decodeEnsemble(bytes: Uint8Array): EnsembleState {
  const corrupt = (what: string, cause?: unknown) =>
    new TitrateError(
      'artifact-corrupt',
      { what, where: 'mlp-ensemble model', remedy: 'Fetch the model again, or train it again' },
      { cause },
    );
  const intro = MAGIC.length + 4;
  const magic = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1');
  if (magic !== MAGIC || bytes.length < intro) {
    throw corrupt(
      `These ${bytes.length} bytes are not a serialised ensemble (they do not start with ${MAGIC})`,
    );
  }
  const jsonLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  let header: Header;
  let shapes: number[][];
  try {
    header = JSON.parse(Buffer.from(bytes.subarray(intro, intro + jsonLength)).toString('utf8')) as Header;
    shapes = parameterShapes({ sparse: header.sparse, dense: header.dense, hidden: header.settings.hidden });
  } catch (error) {
    throw corrupt('The header of the model cannot be read', error);
  }
  const { layout, columns, sparse, dense, ...rest } = header;
  const memberFloats = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  const expected = intro + jsonLength + 4 * (sparse + 3 * dense + rest.settings.members * memberFloats);
  if (bytes.length !== expected)
    throw corrupt(`The model has ${bytes.length} bytes; its header says ${expected}`);
  // A copy in shared memory: aligned, whatever the bytes came in, and readable from every thread.
  const body = new Uint8Array(new SharedArrayBuffer(bytes.length - intro - jsonLength));
  body.set(bytes.subarray(intro + jsonLength));
  let at = 0;
  const integers = (length: number) => new Int32Array(body.buffer, (at += 4 * length) - 4 * length, length);
  const floats = (length: number) => {
    const values = new Float32Array(body.buffer, (at += 4 * length) - 4 * length, length);
    if (!values.every(Number.isFinite)) throw corrupt('The model holds a number that is not finite');
    return values;
  };
  const encoding: InputEncoding = {
    layout,
    columns,
    sparse: integers(sparse),
    dense: integers(dense),
    centre: floats(dense),
    scale: floats(dense),
  };
  const members = Array.from({ length: rest.settings.members }, () =>
    shapes.map((shape) => floats(sizeOf(shape))),
  );
  return { ...rest, encoding, members };
}
