import { BufferWriter, Root, type Type } from 'protobufjs/light';
import { TitrateError } from '../../contracts';

/**
 * The messages of ONNX that are written here, with the numbers of onnx.proto (onnx/onnx, IR version 8). Readers skip what they do not
 * know, and all that is left out is optional.
 */
const text = (id: number) => ({ type: 'string', id });
const int = (id: number) => ({ type: 'int64', id });
const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: 'repeated', type, id });

const root = Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: int(1),
        producerName: text(2),
        producerVersion: text(3),
        docString: text(6),
        graph: one('GraphProto', 7),
        opsetImport: many('OperatorSetIdProto', 8),
        metadataProps: many('StringStringEntryProto', 14),
      },
    },
    OperatorSetIdProto: { fields: { domain: text(1), version: int(2) } },
    StringStringEntryProto: { fields: { key: text(1), value: text(2) } },
    GraphProto: {
      fields: {
        node: many('NodeProto', 1),
        name: text(2),
        initializer: many('TensorProto', 5),
        input: many('ValueInfoProto', 11),
        output: many('ValueInfoProto', 12),
      },
    },
    NodeProto: {
      fields: {
        input: many('string', 1),
        output: many('string', 2),
        name: text(3),
        opType: text(4),
        attribute: many('AttributeProto', 5),
      },
    },
    AttributeProto: {
      fields: {
        name: text(1),
        i: int(3),
        s: one('bytes', 4),
        ints: many('int64', 8),
        type: one('int32', 20),
      },
    },
    TensorProto: {
      fields: {
        dims: many('int64', 1),
        dataType: one('int32', 2),
        name: text(8),
        rawData: one('bytes', 9),
      },
    },
    ValueInfoProto: { fields: { name: text(1), type: one('TypeProto', 2), docString: text(3) } },
    TypeProto: { fields: { tensorType: one('TensorTypeProto', 1) } },
    TensorTypeProto: { fields: { elemType: one('int32', 1), shape: one('TensorShapeProto', 2) } },
    TensorShapeProto: { fields: { dim: many('DimensionProto', 1) } },
    DimensionProto: { fields: { dimValue: int(1), dimParam: text(2) } },
  },
});

/** Element types of tensors by the numbers of TensorProto.DataType. */
export const ELEMENT_TYPES = { float: 1, uint8: 2, int64: 7, double: 11 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
}

export interface Node {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly Attribute[];
}

export interface Initializer {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Little-endian. */
  readonly rawData: Uint8Array;
}

export interface ValueInfo {
  readonly name: string;
  readonly docString: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly ({ dimValue: number } | { dimParam: string })[] };
    };
  };
}

export interface Model {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly docString: string;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly Node[];
    readonly initializer: readonly Initializer[];
    readonly input: readonly ValueInfo[];
    readonly output: readonly ValueInfo[];
  };
}

/** Readers of protocol buffers count bytes in 31 bits; what is no tensor stays far below the difference. */
export const MAX_TENSOR_BYTES = 2 ** 31 - 2 ** 26;

const modelType: Type = root.lookupType('ModelProto');

/** @throws usage when the tensors are more than one file of ONNX can hold */
export function encodeModel(model: Model): Uint8Array {
  const bytes = model.graph.initializer.reduce((sum, { rawData }) => sum + rawData.length, 0);
  if (bytes > MAX_TENSOR_BYTES) {
    throw new TitrateError('usage', {
      what: `the model's tensors are ${(bytes / 2 ** 30).toFixed(1)} GB; one file of ONNX holds 2 GB`,
      where: 'export to ONNX',
      remedy: 'Train a smaller model: fewer inducing molecules of a Gaussian process, or an ensemble',
    });
  }
  return modelType.encode(model, new BufferWriter()).finish();
}

/**
 * The entries of `metadata_props` of a model in ONNX.
 * @throws artifact-corrupt when the bytes are no such model
 */
export function decodeMetadata(bytes: Uint8Array): ReadonlyMap<string, string> {
  try {
    const { metadataProps } = modelType.toObject(modelType.decode(bytes), { arrays: true }) as Pick<
      Model,
      'metadataProps'
    >;
    return new Map(metadataProps.map(({ key, value }) => [key, value]));
  } catch (cause) {
    throw new TitrateError(
      'artifact-corrupt',
      { what: 'these bytes are no model in ONNX', remedy: 'Export the model again' },
      { cause },
    );
  }
}
