import * as tf from '@tensorflow/tfjs';
import { createRandom, readGraphRow, type GraphRow } from '../../../src/foundation';
import { selectBackend } from '../../../src/learning/backends/select';
import {
  ATOM_INPUTS,
  atomInputs,
  BOND_INPUTS,
  bondInputs,
} from '../../../src/learning/message-passing/atom-features';
import { classesOf } from '../../../src/learning/message-passing/batch-classes';
import { encodeGraphs, learnEncoding } from '../../../src/learning/message-passing/encoding';
import { moleculeBatch } from '../../../src/learning/message-passing/network';
import { initialParameters, parameterShapes } from '../../../src/learning/message-passing/shape';
import { graphMatrix, randomGraph } from '../../support/random-graphs';

const random = createRandom(11);
const sizes = [1, 2, 7, 9, 7, 12];
// The last molecule is the third once more.
const graphs = sizes.map((size) => randomGraph(size, random)).concat([]);
graphs.push(graphs[2]!);
const descriptors = graphs.map(() =>
  Float32Array.from({ length: 4 }, (_, i) => (i === 2 ? 5 : random.normal())),
);
const layer = { outputs: 2, startsAtZero: (output: number) => output === 1 };

/** One molecule's outputs by the definition of the network, directed bond by directed bond. */
function plainly(
  graph: GraphRow,
  beside: tf.Tensor2D | null,
  depth: number,
  p: readonly tf.Tensor[],
): tf.Tensor2D {
  const row = (size: number, on: readonly number[]) =>
    tf.tensor2d(
      Float32Array.from({ length: size }, (_, i) => Number(on.includes(i))),
      [1, size],
    );
  const times = (x: tf.Tensor, kernel: tf.Tensor) => tf.matMul(x as tf.Tensor2D, kernel as tf.Tensor2D);
  const edges = graph.bonds.flatMap((bond) => [
    { from: bond.begin, to: bond.end, bond },
    { from: bond.end, to: bond.begin, bond },
  ]);
  const starts = edges.map(({ from, bond }) => {
    const on = [...atomInputs(graph.atoms[from]!), ...bondInputs(bond).map((input) => ATOM_INPUTS + input)];
    return times(row(ATOM_INPUTS + BOND_INPUTS, on), p[0]!);
  });
  let messages: tf.Tensor[] = starts.map((start) => tf.relu(start));
  for (let step = 1; step < depth; step++) {
    const before = messages;
    messages = edges.map(({ from, to }, edge) => {
      const near = before.filter((_, other) => edges[other]!.to === from && edges[other]!.from !== to);
      return tf.relu(near.length ? tf.add(starts[edge]!, times(tf.addN(near), p[1]!)) : starts[edge]!);
    });
  }
  const atoms = graph.atoms.map((atom, i) => {
    const own = times(row(ATOM_INPUTS, atomInputs(atom)), p[2]!);
    const near = messages.filter((_, edge) => edges[edge]!.to === i);
    return tf.relu(near.length ? tf.add(own, times(tf.addN(near), p[3]!)) : own);
  });
  let x: tf.Tensor = tf.div(tf.addN(atoms), atoms.length);
  if (beside) x = tf.concat([x, beside], 1);
  for (let i = 4; i < p.length; i += 2) {
    x = tf.add(times(x, p[i]!), p[i + 1]!);
    if (i + 2 < p.length) x = tf.relu(x);
  }
  // At depth 1 the step's kernel does nothing, and its gradient is 0.
  return tf.add(x, tf.mul(tf.sum(p[1]!), 0)) as tf.Tensor2D;
}

describe.each(['wasm', 'cpu'] as const)('the message-passing network on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  it.each([
    ['depth 1, no hidden layer, no descriptors', 1, [], false],
    ['depth 3, a hidden layer, descriptors', 3, [5], true],
    ['depth 4, two hidden layers', 4, [5, 6], false],
  ] as const)('with %s gives the outputs and gradients of its definition', (_, depth, hidden, described) => {
    const features = graphMatrix(graphs, described ? descriptors : undefined);
    const encoding = learnEncoding(features);
    // A descriptor that is the same everywhere is left out.
    expect([...encoding.kept]).toEqual(described ? [0, 1, 3] : []);
    const encoded = encodeGraphs(features, encoding);
    const shape = { messageSize: 6, depth, hidden, descriptors: encoding.kept.length };
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const shapes = parameterShapes(shape, layer.outputs);
      const parameters = initialParameters(shape, layer, createRandom(1)).map((values, i) =>
        tf.tensor(
          values.map((value) => value + 0.05),
          shapes[i],
        ),
      );
      const rows = Int32Array.from(graphs, (__, i) => graphs.length - 1 - i);
      const pass = moleculeBatch(encoded, rows, depth).forward(parameters);
      const byOutputs = tf.tensor2d(
        Float32Array.from({ length: rows.length * 2 }, (__, i) => Math.sin(i)),
        [rows.length, 2],
      );
      const gradients = pass.backward(byOutputs);
      expect(gradients.map((gradient) => gradient.shape)).toEqual(shapes);

      const width = encoding.kept.length;
      const plain = (...p: tf.Tensor[]): tf.Tensor =>
        tf.concat(
          [...rows].map((row) => {
            const graph = readGraphRow(
              features.data as Uint32Array,
              features.offsets![row]! + features.columns,
            );
            const beside = encoded.descriptors.subarray(row * width, (row + 1) * width);
            return plainly(graph, described ? tf.tensor2d(beside, [1, width]) : null, depth, p);
          }),
        );
      const expectedOutputs = plain(...parameters).dataSync();
      pass.outputs.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expectedOutputs[i]!, 4));
      // Automatic differentiation of the plain form, in products and additions that every backend can differentiate.
      const expected = tf.grads(plain)(parameters, byOutputs);
      gradients.forEach((gradient, i) => {
        const values = gradient.dataSync();
        expected[i]!.dataSync().forEach((value, j) => expect(values[j]).toBeCloseTo(value, 4));
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes molecules without bonds, alone or with others, and drops inputs of the head', () => {
    const features = graphMatrix(graphs);
    const encoding = learnEncoding(features);
    const encoded = encodeGraphs(features, encoding);
    const shape = { messageSize: 8, depth: 3, hidden: [4], descriptors: 0 };
    tf.tidy(() => {
      const parameters = initialParameters(shape, layer, createRandom(2)).map((values, i) =>
        tf.tensor(values, parameterShapes(shape, 2)[i]),
      );
      const outputs = (rows: number[]) => [
        ...moleculeBatch(encoded, rows, 3).forward(parameters).outputs.dataSync(),
      ];
      const all = outputs([0, 1, 2, 3]);
      expect(outputs([0])).toEqual(all.slice(0, 2));
      expect(outputs([2, 3])).toEqual(all.slice(4));
      const alone = moleculeBatch(encoded, [0], 3).forward(parameters);
      alone
        .backward(tf.ones([1, 2]))
        .forEach((gradient, i) => expect([...gradient.dataSync()].every(Number.isFinite)).toBe(i >= 0));
      const nothing = moleculeBatch(encoded, [2], 3).forward(parameters, (rows, units) =>
        tf.zeros([rows, units]),
      );
      expect([...nothing.outputs.dataSync()]).toEqual([0, 0]);
    });
  });
});

test('equal surroundings are computed once, however the atoms are numbered', () => {
  const twice = [graphs[3]!, reversed(graphs[3]!)];
  const features = graphMatrix(twice);
  const encoded = encodeGraphs(features, learnEncoding(features));
  const one = classesOf(encoded, [0], 2);
  const both = classesOf(encoded, [0, 1], 2);
  expect(both.steps.map(({ size }) => size)).toEqual(one.steps.map(({ size }) => size));
  expect(both.atoms).toEqual(one.atoms);
  const [first, second] = [both.molecules.indices.slice(0, 9), both.molecules.indices.slice(9)];
  expect([...second].reverse()).toEqual([...first]);
});

function reversed({ atoms, bonds }: GraphRow): GraphRow {
  const turn = (atom: number) => atoms.length - 1 - atom;
  const turned = bonds.map((bond) => ({ ...bond, begin: turn(bond.end), end: turn(bond.begin) }));
  return { atoms: [...atoms].reverse(), bonds: turned.reverse() };
}
