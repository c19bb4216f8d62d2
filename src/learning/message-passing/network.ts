import * as tf from '@tensorflow/tfjs';
import { gatherSum } from '../backends/gather-sum';
import { reluGradient } from '../backends/relu-gradient';
import { transposed, type RowLists } from '../backends/row-lists';
import type { Dropout, NetworkBatch } from '../ensemble';
import { ATOM_INPUTS, BOND_INPUTS } from './atom-features';
import { classesOf } from './batch-classes';
import type { EncodedGraphs } from './encoding';
import { ARRIVED, ATOM, HEAD, START, STEP } from './shape';

/** What a layer of the head was given, and what it made of it. */
interface HeadLayer {
  readonly input: tf.Tensor2D;
  readonly mask?: tf.Tensor2D;
}

const matMul = (a: tf.Tensor2D, b: tf.Tensor, turnA = false, turnB = false): tf.Tensor2D =>
  tf.matMul(a, b as tf.Tensor2D, turnA, turnB);

/**
 * A batch of molecules on the backend: the directed message-passing network of Yang et al. (2019, J. Chem. Inf. Model. 59, 3370).
 * Message of a directed bond v → w: h⁰ = relu(W [v, vw]), then hᵗ = relu(W [v, vw] + U Σ hᵗ⁻¹ of the bonds u → v, u ≠ w). Atom:
 * relu(V v + A Σ h of the bonds that arrive). Molecule: the mean over its atoms, then the descriptors, then the head.
 * Dropout is drawn for the inputs of the head's layers.
 */
export function moleculeBatch(graphs: EncodedGraphs, rows: ArrayLike<number>, depth: number): NetworkBatch {
  const classes = classesOf(graphs, rows, depth - 1);
  const { messages, atomKinds, steps, atoms, molecules } = classes;
  // A batch without bonds has one kind of message, which reaches no atom.
  const messageKinds = Math.max(1, messages.atomKinds.length);
  const messageInputs = oneHot(messageKinds, ATOM_INPUTS + BOND_INPUTS, (message) => {
    if (messages.atomKinds.length === 0) return [];
    const bond = graphs.bonds.inputs[messages.bondKinds[message]!]!;
    return [
      ...graphs.atoms.inputs[messages.atomKinds[message]!]!,
      ...bond.map((input) => ATOM_INPUTS + input),
    ];
  });
  const atomInputs = oneHot(atomKinds.length, ATOM_INPUTS, (kind) => graphs.atoms.inputs[atomKinds[kind]!]!);
  const shares = tf.tensor2d(
    Float32Array.from(
      { length: rows.length },
      (_, i) => 1 / Math.max(1, molecules.offsets[i + 1]! - molecules.offsets[i]!),
    ),
    [rows.length, 1],
  );
  const width = graphs.rows ? graphs.descriptors.length / graphs.rows : 0;
  const descriptors =
    width > 0
      ? tf.tensor2d(
          Float32Array.from({ length: rows.length * width }, (_, i) => {
            return graphs.descriptors[rows[Math.floor(i / width)]! * width + (i % width)]!;
          }),
          [rows.length, width],
        )
      : null;

  function forward(parameters: readonly tf.Tensor[], dropout?: Dropout) {
    const started = matMul(messageInputs, parameters[START]!);
    const sent: tf.Tensor2D[] = [tf.relu(started)];
    const received: tf.Tensor2D[] = [];
    for (const step of steps) {
      const sum = gatherSum(sent.at(-1)!, step.below);
      received.push(sum);
      sent.push(tf.relu(tf.add(gatherSum(started, step.start), matMul(sum, parameters[STEP]!))));
    }
    const arrived = gatherSum(sent.at(-1)!, atoms.below);
    const own = gatherSum(matMul(atomInputs, parameters[ATOM]!), atoms.start);
    const atomVectors: tf.Tensor2D = tf.relu(tf.add(own, matMul(arrived, parameters[ARRIVED]!)));
    const vectors: tf.Tensor2D = tf.mul(gatherSum(atomVectors, molecules), shares);

    let x: tf.Tensor2D = descriptors ? tf.concat([vectors, descriptors], 1) : vectors;
    const head: HeadLayer[] = [];
    for (let layer = HEAD; layer < parameters.length; layer += 2) {
      const mask = dropout?.(rows.length, x.shape[1]);
      const input: tf.Tensor2D = mask ? tf.mul(x, mask) : x;
      head.push({ input, ...(mask && { mask }) });
      x = tf.fused.matMul({
        a: input,
        b: parameters[layer] as tf.Tensor2D,
        bias: parameters[layer + 1],
        activation: layer + 2 < parameters.length ? 'relu' : 'linear',
      }) as tf.Tensor2D;
    }

    return {
      outputs: x,

      backward(byOutputs: tf.Tensor2D): tf.Tensor[] {
        const gradients = new Array<tf.Tensor>(parameters.length);
        const ones = tf.ones([1, rows.length]) as tf.Tensor2D;
        let back = byOutputs;
        for (let i = head.length - 1; i >= 0; i--) {
          const { input, mask } = head[i]!;
          gradients[HEAD + 2 * i] = matMul(input, back, true);
          // A product with ones sums the columns faster than a reduction does.
          gradients[HEAD + 2 * i + 1] = tf.reshape(matMul(ones, back), [-1]);
          back = matMul(back, parameters[HEAD + 2 * i]!, false, true);
          if (mask) back = tf.mul(back, mask);
          if (i > 0) back = reluGradient(back, input);
        }
        if (descriptors) back = tf.slice(back, [0, 0], [rows.length, vectors.shape[1]]);
        back = reluGradient(spread(tf.mul(back, shares), molecules, atoms.size), atomVectors);
        gradients[ATOM] = matMul(atomInputs, spread(back, atoms.start, atomKinds.length), true);
        gradients[ARRIVED] = matMul(arrived, back, true);
        back = spread(matMul(back, parameters[ARRIVED]!, false, true), atoms.below, below(steps.length));

        let byStart: tf.Tensor2D | undefined;
        let byStep: tf.Tensor2D | undefined;
        for (let i = steps.length - 1; i >= 0; i--) {
          back = reluGradient(back, sent[i + 1]!);
          byStep = sum(byStep, matMul(received[i]!, back, true));
          byStart = sum(byStart, spread(back, steps[i]!.start, below(0)));
          back = spread(matMul(back, parameters[STEP]!, false, true), steps[i]!.below, below(i));
        }
        byStart = sum(byStart, reluGradient(back, sent[0]!));
        gradients[START] = matMul(messageInputs, byStart, true);
        gradients[STEP] = byStep ?? tf.zerosLike(parameters[STEP]!);
        return gradients;
      },
    };
  }

  /** Classes of messages after `step` steps. */
  const below = (step: number) => (step === 0 ? messageKinds : steps[step - 1]!.size);

  return { forward };
}

const sum = (a: tf.Tensor2D | undefined, b: tf.Tensor2D): tf.Tensor2D => (a ? tf.add(a, b) : b);

/** The gradient by the rows that `lists` summed, from that by the sums. */
const spread = (back: tf.Tensor2D, lists: RowLists, rows: number): tf.Tensor2D =>
  gatherSum(back, transposed(lists, rows));

function oneHot(rows: number, columns: number, inputsOf: (row: number) => readonly number[]): tf.Tensor2D {
  const matrix = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) for (const input of inputsOf(row)) matrix[row * columns + input] = 1;
  return tf.tensor2d(matrix, [rows, columns]);
}
