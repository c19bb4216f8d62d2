import type { Random } from '../../foundation';
import type { OutputLayer } from '../ensemble';
import { ATOM_INPUTS, BOND_INPUTS } from './atom-features';

/** Sizes of a network. */
export interface MessagePassingShape {
  readonly messageSize: number;
  /** Layers of messages, the first of them the start; from 1. */
  readonly depth: number;
  readonly hidden: readonly number[];
  /** Descriptors that join the molecule's vector. */
  readonly descriptors: number;
}

/** Places of the first parameters, by what they multiply; the head's kernels and biases follow. */
export const START = 0;
export const STEP = 1;
export const ATOM = 2;
export const ARRIVED = 3;
export const HEAD = 4;

/**
 * Shapes of the parameters: the start of a message [atom and bond inputs, size], a step [size, size], an atom's own inputs
 * [atom inputs, size] and what arrives at it [size, size], then kernel and bias of each layer of the head, the outputs last.
 */
export function parameterShapes(
  { messageSize, hidden, descriptors }: MessagePassingShape,
  outputs: number,
): number[][] {
  const units = [messageSize + descriptors, ...hidden, outputs];
  return [
    [ATOM_INPUTS + BOND_INPUTS, messageSize],
    [messageSize, messageSize],
    [ATOM_INPUTS, messageSize],
    [messageSize, messageSize],
    ...units.slice(1).flatMap((width, layer) => [[units[layer]!, width], [width]]),
  ];
}

/** Inputs that are 1 in an atom or bond together, about: what reaches a unit of the first layers. */
const ACTIVE_INPUTS = 10;

/**
 * Starting values: normal, variance 2 / fan-in before a rectifier (He et al. 2015), 1 / fan-in for the outputs and for steps, whose
 * messages add up over neighbours; biases and the outputs that `startsAtZero` names start at zero.
 */
export function initialParameters(
  shape: MessagePassingShape,
  { outputs, startsAtZero }: OutputLayer,
  random: Random,
): Float32Array[] {
  const shapes = parameterShapes(shape, outputs);
  return shapes.map((size, i) => {
    if (size.length === 1) return new Float32Array(size[0]!);
    const [rows, units] = size as [number, number];
    const oneHot = i === START || i === ATOM;
    const gain = i === STEP || i === ARRIVED || i === shapes.length - 2 ? 1 : 2;
    const deviation = Math.sqrt(gain / (oneHot ? ACTIVE_INPUTS : rows));
    return Float32Array.from({ length: rows * units }, (_, at) =>
      i === shapes.length - 2 && startsAtZero(at % units) ? 0 : deviation * random.normal(),
    );
  });
}
