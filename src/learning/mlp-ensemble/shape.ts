import type { Random } from '../../foundation';
import type { OutputLayer } from '../ensemble';

/** Sizes of a network: what it takes in, its hidden layers, and its outputs. */
export interface NetworkShape {
  /** Flags listed by index; the bias of the first layer is one more such input, always on. */
  readonly sparse: number;
  readonly dense: number;
  readonly hidden: readonly number[];
  readonly outputs: number;
}

/**
 * Shapes of the parameters, in the order in which they are stored and passed everywhere:
 * first layer's sparse kernel [sparse + 1, units] (last row: bias), its dense kernel [units, dense] if there are dense
 * inputs, then kernel [units before, units] and bias [units] of each further layer, the output layer last.
 */
export function parameterShapes({ sparse, dense, hidden, outputs }: NetworkShape): number[][] {
  const units = [...hidden, outputs];
  const shapes: number[][] = [[sparse + 1, units[0]!]];
  if (dense > 0) shapes.push([units[0]!, dense]);
  for (let layer = 1; layer < units.length; layer++)
    shapes.push([units[layer - 1]!, units[layer]!], [units[layer]!]);
  return shapes;
}

/**
 * Starting values: normal, variance 2 / fan-in for layers that feed a rectifier (He et al. 2015), 1 / fan-in for the
 * outputs; biases and the outputs that `startsAtZero` names start at zero. Flags are mostly off, so the fan-in of the first layer is what
 * reaches it: the mean squared length of an input row.
 */
export function initialParameters(
  shape: Omit<NetworkShape, 'outputs'>,
  { outputs, startsAtZero }: OutputLayer,
  inputLength: number,
  random: Random,
): Float32Array[] {
  const shapes = parameterShapes({ ...shape, outputs });
  const firstKernels = shape.dense > 0 ? 2 : 1;
  return shapes.map((size, i) => {
    if (size.length === 1) return new Float32Array(size[0]!);
    // The dense kernel lies transposed; its values are drawn in the order of all others.
    const transposed = i === 1 && shape.dense > 0;
    const [rows, units] = (transposed ? [size[1], size[0]] : size) as [number, number];
    const values = new Float32Array(rows * units);
    const first = i < firstKernels;
    const output = first ? shape.hidden.length === 0 : i >= shapes.length - 2;
    const deviation = Math.sqrt((output ? 1 : 2) / Math.max(1, first ? inputLength : rows));
    const biasRow = i === 0 ? rows - 1 : rows;
    for (let row = 0; row < biasRow; row++) {
      for (let unit = 0; unit < units; unit++) {
        if (output && startsAtZero(unit)) continue;
        values[transposed ? unit * rows + row : row * units + unit] = deviation * random.normal();
      }
    }
    return values;
  });
}
