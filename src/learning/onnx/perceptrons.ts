import { memberShapes, decodeEnsemble, type EnsembleState } from '../ensemble/format';
import { outputsPerTarget } from '../ensemble/head';
import { CLIP, type InputEncoding } from '../mlp-ensemble/inputs';
import { mlpPlan } from '../mlp-ensemble/plan';
import type { NetworkPlan } from '../ensemble';
import { ensembleMoments } from './ensemble-moments';
import type { GraphBuilder } from './graph';
import type { OnnxHead } from './head';
import type { Places } from './layout';

/** A flag is on from half way between 0 and 1 up. */
const ON = 0.5;

/** Inputs of the networks in the order in which they go into the graph, and the row of a member's kernel that each is multiplied by. */
interface Inputs {
  /** `threshold`: on from this value up. */
  readonly flags: readonly { readonly place: number; readonly threshold: number; readonly row: KernelRow }[];
  /** Standardised: (value - centre) / scale. */
  readonly values: readonly {
    readonly place: number;
    readonly centre: number;
    readonly scale: number;
    readonly row: KernelRow;
  }[];
}
/** Position among the sparse inputs, or among the dense ones. */
type KernelRow = { readonly sparse: number } | { readonly dense: number };

/**
 * An ensemble of multilayer perceptrons, in float32 up to the outputs of its members and float64 from there on, as it predicts.
 * @throws artifact-corrupt
 */
export function perceptronsHead(bytes: Uint8Array): OnnxHead {
  const state = decodeEnsemble(mlpPlan as unknown as NetworkPlan, bytes);
  const encoding = state.encoding as InputEncoding;
  return {
    needs: {
      featurizer: state.featurizer,
      columns: encoding.columns,
      keys: Array.from(encoding.flags.keys, (key) => key >>> 0),
      total: false,
    },
    auxiliary: state.scales[0]!.length - 1,
    build(graph, features, places) {
      const outputs = networks(graph, state, inputsOf(encoding, places), features);
      const scales = state.scales.map(([wanted]) => wanted!);
      return ensembleMoments(graph, state.task, scales, outputs);
    },
  };
}

function inputsOf(
  { layout, columns, flags, sparse, dense, centre, scale }: InputEncoding,
  places: Places,
): Inputs {
  const flag = (source: number, row: KernelRow) => {
    const counted = source - columns;
    if (counted < 0) return { place: places.column(source), threshold: ON, row };
    return { place: places.count(flags.keys[counted]! >>> 0), threshold: flags.thresholds[counted]!, row };
  };
  const isFlag = (source: number) => layout === 'bits' || source >= columns;
  const all = Array.from(dense, (source, i) => ({ source, row: { dense: i }, i }));
  return {
    flags: [
      ...Array.from(sparse, (source, i) => flag(source, { sparse: i })),
      ...all.filter(({ source }) => isFlag(source)).map(({ source, row }) => flag(source, row)),
    ],
    values: all
      .filter(({ source }) => !isFlag(source))
      .map(({ source, row, i }) => ({
        place: places.column(source),
        centre: centre[i]!,
        scale: scale[i]!,
        row,
      })),
  };
}

/** @returns outputs of all members for the wanted property, [members, rows, outputs] */
function networks(graph: GraphBuilder, state: EnsembleState, inputs: Inputs, features: string): string {
  const shapes = memberShapes(mlpPlan as unknown as NetworkPlan, state);
  const denseInputs = (state.encoding as InputEncoding).dense.length;
  const firstKernels = denseInputs > 0 ? 2 : 1;
  const wanted = outputsPerTarget(state.task);
  const { members } = state;

  /** The same parameter of all members, one after the other. */
  const stacked = (
    [rows, columns]: readonly [number, number],
    value: (member: Float32Array[], row: number, column: number) => number,
  ) => {
    const data = new Float32Array(members.length * rows * columns);
    let at = 0;
    for (const member of members)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) data[at++] = value(member, row, column);
    return graph.constant(data, [members.length, rows, columns]);
  };

  // The last layer may have outputs of further properties after those that are wanted.
  const kept = (isLast: boolean, width: number) => (isLast ? wanted : width);
  const layers = (shapes.length - firstKernels) / 2;
  const units = shapes[0]![1]!;
  const width = kept(layers === 0, units);
  const bias = shapes[0]![0]! - 1;
  const rows = [...inputs.flags, ...inputs.values].map(({ row }) => row);
  const input = inputMatrix(graph, inputs, features);
  const kernel = stacked([Math.max(1, rows.length), width], ([sparse, dense], i, unit) => {
    const row = rows[i];
    if (!row) return 0;
    // The dense kernel lies transposed.
    return 'sparse' in row ? sparse![row.sparse * units + unit]! : dense![unit * denseInputs + row.dense]!;
  });
  const biases = stacked([1, width], ([sparse], _, unit) => sparse![bias * units + unit]!);
  let x = graph.add(graph.matMul(input, kernel), biases);
  for (let layer = 0; layer < layers; layer++) {
    const at = firstKernels + 2 * layer;
    const [before, after] = shapes[at] as [number, number];
    const columns = kept(layer === layers - 1, after);
    const weights = stacked([before, columns], (member, row, column) => member[at]![row * after + column]!);
    const shift = stacked([1, columns], (member, _, column) => member[at + 1]![column]!);
    x = graph.add(graph.matMul(graph.node('Relu', [x]), weights), shift);
  }
  return x;
}

/** Flags and standardised values side by side, float32 [rows, inputs]; a column of zeros where a network has no input at all. */
function inputMatrix(graph: GraphBuilder, { flags, values }: Inputs, features: string): string {
  const parts: string[] = [];
  if (flags.length > 0 || values.length === 0) {
    const chosen = flags.length > 0 ? flags : [{ place: 0, threshold: Infinity }];
    const thresholds = graph.constant(Float32Array.from(chosen, ({ threshold }) => threshold));
    const read = graph.gather(
      features,
      chosen.map(({ place }) => place),
      1,
    );
    parts.push(graph.cast(graph.atLeast(read, thresholds), 'float'));
  }
  if (values.length > 0) {
    const read = graph.gather(
      features,
      values.map(({ place }) => place),
      1,
    );
    const centred = graph.subtract(read, graph.constant(Float32Array.from(values, ({ centre }) => centre)));
    const scaled = graph.divide(centred, graph.constant(Float32Array.from(values, ({ scale }) => scale)));
    parts.push(graph.max(graph.min(scaled, graph.scalar32(CLIP)), graph.scalar32(-CLIP)));
  }
  return parts.length === 1 ? parts[0]! : graph.node('Concat', parts, { axis: 1 });
}
