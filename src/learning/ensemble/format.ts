import { TitrateError, type FeaturizerSpec, type LearningTask } from '../../contracts';
import type { BackendName } from '../backends';
import type { TargetScale } from './labels';
import { outputLayer } from './head';
import type { Encoding, EnsembleSettings, NetworkPlan, PackedEncoding } from './network-kind';

/** All there is to an ensemble once it is trained. */
export interface EnsembleState {
  readonly backend: BackendName;
  readonly backendVersion: string;
  readonly settings: EnsembleSettings;
  readonly featurizer: FeaturizerSpec;
  readonly encoding: Encoding;
  readonly task: LearningTask;
  /** Of each member, one entry a property, the wanted one first. */
  readonly scales: readonly (readonly TargetScale[])[];
  readonly facts: Readonly<Record<string, number | string>>;
  /** Parameters of each member, in the order and shapes of `memberShapes`; views of one shared buffer. */
  readonly members: readonly Float32Array[][];
}

/** Shapes of a member's parameters. */
export function memberShapes(
  plan: NetworkPlan,
  { encoding, settings, task, scales }: Pick<EnsembleState, 'encoding' | 'settings' | 'task' | 'scales'>,
): number[][] {
  return plan.parameterShapes(settings, encoding, outputLayer(task, scales[0]!.length).outputs);
}

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, length) => product * length, 1);

const MAGIC = 'TTRENSE1';

type Header = Omit<EnsembleState, 'encoding' | 'members'> & {
  readonly encoding: Encoding & {
    readonly header: PackedEncoding['header'];
    /** Kind and length of each of the encoding's arrays. */
    readonly arrays: readonly (readonly ['int32' | 'float32', number])[];
  };
};

/**
 * Bytes of a model: the magic, the header's length (uint32), a JSON header padded with spaces to a multiple of four, then,
 * little-endian: the arrays of the encoding, float32 parameters member by member. The same model gives the same bytes.
 */
export function encodeEnsemble(plan: NetworkPlan, state: EnsembleState): Uint8Array {
  const { encoding, members, ...rest } = state;
  const packed = plan.packEncoding(encoding);
  const header: Header = {
    ...rest,
    encoding: {
      layout: encoding.layout,
      columns: encoding.columns,
      header: packed.header,
      arrays: packed.arrays.map((array) => [
        array[Symbol.toStringTag] === 'Int32Array' ? 'int32' : 'float32',
        array.length,
      ]),
    },
  };
  let json = Buffer.from(JSON.stringify(header), 'utf8');
  json = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, ' ')]);
  const parts = [...packed.arrays, ...members.flat()];
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

/**
 * @throws artifact-corrupt when the bytes are no ensemble of this family, are cut short or carry a number that is not finite
 */
export function decodeEnsemble(plan: NetworkPlan, bytes: Uint8Array): EnsembleState {
  const corrupt = (what: string, cause?: unknown) =>
    new TitrateError(
      'artifact-corrupt',
      { what, where: `${plan.family} model`, remedy: 'Fetch the model again, or train it again' },
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
  const body = new StoredArrays(bytes, intro + jsonLength, corrupt);
  let state: Omit<EnsembleState, 'members'>;
  let shapes: number[][];
  try {
    const json = Buffer.from(bytes.subarray(intro, intro + jsonLength)).toString('utf8');
    const { encoding: stored, ...rest } = JSON.parse(json) as Header;
    if (rest.settings.family !== plan.family) throw new Error(`it is a ${rest.settings.family}`);
    const arrays = stored.arrays.map(([type, length]) => body.take(type, length));
    const { header, layout, columns } = stored;
    const encoding = plan.unpackEncoding({ header, arrays }, { layout, columns });
    state = { ...rest, encoding };
    shapes = memberShapes(plan, state);
  } catch (error) {
    if (error instanceof TitrateError) throw error;
    throw corrupt('The header of the model cannot be read', error);
  }
  const floats = state.settings.members * shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  if (body.left !== 4 * floats)
    throw corrupt(`The model has ${body.left} bytes of parameters; its header says ${4 * floats}`);
  const members = Array.from({ length: state.settings.members }, () =>
    shapes.map((shape) => body.take('float32', sizeOf(shape)) as Float32Array),
  );
  return { ...state, members };
}

/** Reads arrays one after the other out of a copy in shared memory: aligned, and readable from every thread. */
class StoredArrays {
  private readonly memory: SharedArrayBuffer;
  private at = 0;

  constructor(
    bytes: Uint8Array,
    from: number,
    private readonly corrupt: (what: string) => Error,
  ) {
    const body = bytes.subarray(from);
    this.memory = new SharedArrayBuffer(body.length);
    new Uint8Array(this.memory).set(body);
  }

  get left(): number {
    return this.memory.byteLength - this.at;
  }

  take(type: 'int32' | 'float32', length: number): Int32Array | Float32Array {
    if (!(length >= 0 && 4 * length <= this.left)) throw this.corrupt('The model is cut short');
    const start = this.at;
    this.at += 4 * length;
    if (type === 'int32') return new Int32Array(this.memory, start, length);
    const values = new Float32Array(this.memory, start, length);
    if (!values.every(Number.isFinite)) throw this.corrupt('The model holds a number that is not finite');
    return values;
  }
}
