import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../../src/foundation';
import { selectBackend } from '../../../src/learning/backends/select';
import { encodeRows, learnEncoding, takeRows } from '../../../src/learning/mlp-ensemble/inputs';
import { outputLayer } from '../../../src/learning/ensemble/head';
import { backward, batchTensors, forward } from '../../../src/learning/mlp-ensemble/network';
import { initialParameters, parameterShapes } from '../../../src/learning/mlp-ensemble/shape';

const random = createRandom(7);
const columns = 24;
const rows = 12;
/** Flags in most columns, real numbers in the last four. */
const matrix = Float32Array.from({ length: rows * columns }, (_, i) =>
  i % columns >= 20 ? random.normal() : Number(random.next() < 0.3),
);
const features = { moleculeIds: [], rows, columns, layout: 'dense' as const, data: matrix };
const encoding = learnEncoding(features);
const batch = takeRows(
  encodeRows(features, encoding),
  Array.from({ length: rows }, (_, row) => row),
);

/** The first layer's input as one dense matrix: flags, bias, real columns. */
function denseInput(): tf.Tensor2D {
  const width = encoding.sparse.length + 1;
  const flags = new Float32Array(rows * width);
  batch.columnOf.forEach((column, i) => (flags[batch.rowOf[i]! * width + column] = 1));
  return tf.concat(
    [tf.tensor2d(flags, [rows, width]), tf.tensor2d(batch.dense, [rows, encoding.dense.length])],
    1,
  );
}

describe.each([
  ['wasm', true],
  ['cpu', true],
  // As the native backends are.
  ['cpu', false],
] as const)('the network on %s (sums of sparse rows: %s)', (backend, sparseSums) => {
  const kernel = tf.getKernel('SparseSegmentSum', 'cpu');
  beforeAll(async () => {
    await selectBackend(backend);
    if (!sparseSums) tf.unregisterKernel('SparseSegmentSum', backend);
  });
  afterAll(() => {
    if (!sparseSums) tf.registerKernel(kernel);
  });

  it.each([
    ['no hidden layer', []],
    ['one hidden layer', [9]],
    ['three hidden layers', [9, 5, 6]],
  ])('with %s gives the outputs and gradients that automatic differentiation gives', (_, hidden) => {
    const shape = { sparse: encoding.sparse.length, dense: encoding.dense.length, hidden };
    const shapes = parameterShapes({ ...shape, outputs: 2 });
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const parameters = initialParameters(shape, outputLayer('regression', 1), 8, createRandom(1)).map(
        (values, i) =>
          tf.tensor(
            values.map((value) => value + 0.05),
            shapes[i],
          ),
      );
      const masks = hidden.map((units) =>
        tf.tensor2d(
          Float32Array.from({ length: rows * units }, (__, i) => (i % 3 ? 1.5 : 0)),
          [rows, units],
        ),
      );
      const input = batchTensors(batch, encoding.sparse.length + 1);
      const pass = forward(parameters, input, masks);
      const byOutputs = tf.tensor2d(
        Float32Array.from({ length: rows * 2 }, (__, i) => Math.sin(i)),
        [rows, 2],
      );
      const gradients = backward(parameters, input, pass, byOutputs, masks);

      const x = denseInput();
      const plain = (...p: tf.Tensor[]) => {
        let value: tf.Tensor = tf.matMul(
          x,
          tf.concat([p[0] as tf.Tensor2D, tf.transpose(p[1] as tf.Tensor2D)], 0),
        );
        for (let i = 2, layer = 0; i < p.length; i += 2, layer++) {
          const active = tf.mul(tf.relu(value), masks[layer]!) as tf.Tensor2D;
          const kernel = p[i] as tf.Tensor2D;
          value = tf.add(tf.matMul(active, kernel), p[i + 1]!);
        }
        return value;
      };
      const expectedOutputs = plain(...parameters).dataSync();
      pass.outputs.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expectedOutputs[i]!, 4));
      const expected = tf.grads(plain)(parameters, byOutputs);
      expect(gradients.map((gradient) => gradient.shape)).toEqual(shapes);
      gradients.forEach((gradient, i) => {
        const values = gradient.dataSync();
        expected[i]!.dataSync().forEach((value, j) => expect(values[j]).toBeCloseTo(value, 4));
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
