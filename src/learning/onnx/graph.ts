import {
  ELEMENT_TYPES,
  type Attribute,
  type ElementType,
  type Initializer,
  type Model,
  type Node,
} from './proto';

/** What a constant is made of; its kind is the element type of the tensor. */
export type ConstantData = Float32Array | Float64Array | BigInt64Array | Uint8Array;

/** Types an operator `Cast` is asked for. */
const CAST_TO = { float: 1, uint8: 2, int64: 7, bool: 9, double: 11 } as const;
const INT = 2;
const STRING = 3;
const INTS = 7;

const elementType = (data: ConstantData): ElementType =>
  data instanceof Float32Array
    ? 'float'
    : data instanceof Float64Array
      ? 'double'
      : data instanceof BigInt64Array
        ? 'int64'
        : 'uint8';

export const int64 = (values: ArrayLike<number>): BigInt64Array =>
  BigInt64Array.from(Array.from(values, BigInt));

/** A tensor that goes into the graph or comes out of it; a string is a dimension that each call chooses. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
  /** What it is, for people who open the file. */
  readonly doc: string;
}

/**
 * A graph of ONNX operators while it is being written. A value is the name of a tensor. Operators are those of opset 17 that
 * ONNX Runtime has on the CPU for the types used.
 */
export class GraphBuilder {
  private readonly nodes: Node[] = [];
  private readonly initializers: Initializer[] = [];
  private readonly scalars = new Map<string, string>();
  private counter = 0;

  /** A tensor of fixed values. @param dims default: one dimension */
  constant(data: ConstantData, dims: readonly number[] = [data.length]): string {
    const name = `c${this.initializers.length}`;
    this.initializers.push({
      name,
      dims,
      dataType: ELEMENT_TYPES[elementType(data)],
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    return name;
  }

  /** A single float64, of no dimension. */
  scalar(value: number): string {
    return this.onceFor(`double ${value}`, () => this.constant(Float64Array.of(value), []));
  }

  /** A single float32, of no dimension. */
  scalar32(value: number): string {
    return this.onceFor(`float ${value}`, () => this.constant(Float32Array.of(value), []));
  }

  private onceFor(key: string, make: () => string): string {
    const name = this.scalars.get(key) ?? make();
    this.scalars.set(key, name);
    return name;
  }

  node(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, number | string | readonly number[]>> = {},
    output = `${opType}_${++this.counter}`,
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]): Attribute => {
      if (typeof value === 'number') return { name, type: INT, i: value };
      if (typeof value === 'string') return { name, type: STRING, s: Buffer.from(value, 'utf8') };
      return { name, type: INTS, ints: value };
    });
    this.nodes.push({ name: output, opType, input, output: [output], attribute });
    return output;
  }

  add = (a: string, b: string) => this.node('Add', [a, b]);
  subtract = (a: string, b: string) => this.node('Sub', [a, b]);
  multiply = (a: string, b: string) => this.node('Mul', [a, b]);
  divide = (a: string, b: string) => this.node('Div', [a, b]);
  min = (a: string, b: string) => this.node('Min', [a, b]);
  max = (a: string, b: string) => this.node('Max', [a, b]);
  square = (a: string) => this.node('Mul', [a, a]);
  sqrt = (a: string) => this.node('Sqrt', [a]);
  matMul = (a: string, b: string) => this.node('MatMul', [a, b]);
  atLeast = (a: string, b: string) => this.node('GreaterOrEqual', [a, b]);
  where = (condition: string, yes: string, no: string) => this.node('Where', [condition, yes, no]);
  cast = (a: string, to: keyof typeof CAST_TO) => this.node('Cast', [a], { to: CAST_TO[to] });

  /** Entries of one axis by their positions. */
  gather(a: string, positions: ArrayLike<number>, axis: number): string {
    return this.node('Gather', [a, this.constant(int64(positions))], { axis });
  }

  /** The number of an axis, as operators take it. */
  axis = (axis: number) => this.onceFor(`axis ${axis}`, () => this.constant(int64([axis])));

  /** Sum over one axis, which goes away unless it is kept. */
  sum = (a: string, axis: number, keep = false) =>
    this.node('ReduceSum', [a, this.axis(axis)], { keepdims: Number(keep) });

  mean = (a: string, axis: number, keep = false) =>
    this.node('ReduceMean', [a], { axes: [axis], keepdims: Number(keep) });

  /** Values of no rows' own, one for each entry of `like`. */
  fill = (value: number, like: string) =>
    this.node('Expand', [this.scalar(value), this.node('Shape', [like])]);

  /** Logistic function in float64. */
  logistic(a: string): string {
    const one = this.scalar(1);
    return this.divide(one, this.add(one, this.node('Exp', [this.node('Neg', [a])])));
  }

  finish(name: string, inputs: readonly Port[], outputs: readonly Port[]): Model['graph'] {
    const info = ({ name: port, type, dims, doc }: Port) => ({
      name: port,
      docString: doc,
      type: {
        tensorType: {
          elemType: ELEMENT_TYPES[type],
          shape: {
            dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })),
          },
        },
      },
    });
    return {
      name,
      node: this.nodes,
      initializer: this.initializers,
      input: inputs.map(info),
      output: outputs.map(info),
    };
  }
}
