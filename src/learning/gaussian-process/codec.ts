import { TitrateError, type FeatureMatrix } from '../../contracts';
import { isRagged } from '../../foundation';
import type { FeatureSpace } from './feature-space';
import type { GaussianProcessDefinition, InducingPosterior } from './model';

/**
 * Fitted GPs, one a property, as bytes: magic, header length (uint32), JSON header, then the arrays that the header lists one after
 * another, all little-endian. Features that properties share are there once. Factorisations are left out: they are
 * recomputed on load, to the same bits.
 */
const MAGIC = 'titrate-gp\n\x02';
const PREAMBLE = MAGIC.length + 4;

const ARRAYS = { Uint8Array, Uint32Array, Int32Array, Float32Array, Float64Array } as const;
type ArrayName = keyof typeof ARRAYS;
type PlainArray = Uint8Array | Uint32Array | Int32Array | Float32Array | Float64Array;
/** In the header, in place of an array: its type and length. */
interface ArrayMark {
  readonly array: ArrayName;
  readonly length: number;
}

type FeatureHeader = Omit<FeatureMatrix, 'data' | 'offsets' | 'parts'>;
interface Header {
  readonly features: readonly FeatureHeader[];
  /** Each with the index of its features. */
  readonly outputs: readonly (Omit<
    GaussianProcessDefinition,
    'features' | 'targets' | 'weights' | 'inducing'
  > & {
    readonly features: number;
    readonly inducing?: InducingHeader;
  })[];
  readonly arrays: readonly ArrayMark[];
}
type InducingHeader = Pick<FeatureSpace, 'layout' | 'columns' | 'featurizer'>;

const raw = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

export function encodeDefinitions(definitions: readonly GaussianProcessDefinition[]): Uint8Array {
  const matrices = [...new Set(definitions.map(({ features }) => features))];
  const arrays: PlainArray[] = [];
  const features = matrices.map(({ data, offsets, parts: _, ...rest }): FeatureHeader => {
    arrays.push(data, ...(offsets ? [offsets] : []));
    return rest;
  });
  const outputs = definitions.map(({ features: own, targets, weights, inducing, ...rest }) => {
    arrays.push(targets, weights);
    return { ...rest, features: matrices.indexOf(own), inducing: inducing && takeApart(inducing, arrays) };
  });
  const marks = arrays.map((array): ArrayMark => {
    const name = array[Symbol.toStringTag];
    return { array: name, length: array.length };
  });
  const json = Buffer.from(JSON.stringify({ features, outputs, arrays: marks } satisfies Header), 'utf8');
  const preamble = Buffer.alloc(PREAMBLE);
  preamble.write(MAGIC, 'latin1');
  preamble.writeUInt32LE(json.length, MAGIC.length);
  return Buffer.concat([preamble, json, ...arrays.map(raw)]);
}

/** @throws artifact-corrupt if these are not the bytes of fitted GPs, or not all of them. */
export function decodeDefinitions(bytes: Uint8Array): GaussianProcessDefinition[] {
  const buffer = raw(bytes);
  if (buffer.length < PREAMBLE || buffer.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw corrupt('these bytes do not begin like a fitted Gaussian process of this version');
  }
  let at = PREAMBLE + buffer.readUInt32LE(MAGIC.length);
  let header: Header;
  try {
    header = JSON.parse(buffer.toString('utf8', PREAMBLE, at)) as Header;
  } catch (cause) {
    throw corrupt('the header of this Gaussian process is not JSON', cause);
  }
  const bytesOf = ({ array, length }: ArrayMark) => length * ARRAYS[array].BYTES_PER_ELEMENT;
  const expected = header.arrays.reduce((sum, mark) => sum + bytesOf(mark), at);
  if (buffer.length !== expected) {
    throw corrupt(`this Gaussian process should be ${expected} bytes and is ${buffer.length}`);
  }
  let next = 0;
  const take = <T extends PlainArray>(): T => {
    const mark = header.arrays[next++]!;
    const end = at + bytesOf(mark);
    const copy = new Uint8Array(buffer.subarray(at, end)).buffer;
    at = end;
    return new ARRAYS[mark.array](copy) as PlainArray as T;
  };
  const matrices = header.features.map((rest): FeatureMatrix => {
    const data = take<Uint8Array | Float32Array | Uint32Array>();
    return { ...rest, data, ...(isRagged(rest.layout) && { offsets: take<Uint32Array>() }) };
  });
  return header.outputs.map(({ features, inducing, ...rest }) => ({
    features: matrices[features]!,
    targets: take<Float64Array>(),
    weights: take<Float64Array>(),
    ...rest,
    ...(inducing && { inducing: putTogether(inducing, take) }),
  }));
}

function takeApart({ space, gram, projection }: InducingPosterior, arrays: PlainArray[]): InducingHeader {
  const { layout, columns, featurizer, binary, ranked, knotStarts, knotValues, knotLevels } = space;
  arrays.push(gram, projection, binary, ranked, knotStarts, knotValues, knotLevels);
  return { layout, columns, featurizer };
}

/** The arrays in the order of `takeApart`. */
function putTogether(header: InducingHeader, take: <T extends PlainArray>() => T): InducingPosterior {
  const gram = take<Float64Array>();
  const projection = take<Float64Array>();
  return {
    gram,
    projection,
    space: {
      ...header,
      binary: take<Int32Array>(),
      ranked: take<Int32Array>(),
      knotStarts: take<Int32Array>(),
      knotValues: take<Float64Array>(),
      knotLevels: take<Float64Array>(),
    },
  };
}

function corrupt(what: string, cause?: unknown): TitrateError {
  return new TitrateError(
    'artifact-corrupt',
    { what, remedy: 'Fetch the model again, or promote another version' },
    { cause },
  );
}
