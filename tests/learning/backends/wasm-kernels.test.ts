import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { AdamW } from '../../../src/learning/backends/adamw';
import { selectBackend } from '../../../src/learning/backends/select';
import { ADAMW_KERNEL } from '../../../src/learning/backends/wasm-adamw';
import { transposeInto } from '../../../src/learning/backends/wasm-matmul';

beforeAll(async () => {
  await selectBackend('wasm');
});

const normals = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

describe('matrix products on WASM', () => {
  it('equal the sums they stand for, for any shape and any transposition', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (m, k, n, turnA, turnB, fused) => {
          const left = normals(m * k, 1);
          const right = normals(k * n, 2);
          const a = tf.tensor2d(left, turnA ? [k, m] : [m, k]);
          const b = tf.tensor2d(right, turnB ? [n, k] : [k, n]);
          const bias = tf.tensor1d(normals(n, 3));
          const product = fused
            ? tf.fused.matMul({ a, b, bias, transposeA: turnA, transposeB: turnB, activation: 'relu' })
            : tf.matMul(a, b, turnA, turnB);
          expect(product.shape).toEqual([m, n]);
          const values = product.dataSync();
          const biases = bias.dataSync();
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let sum = fused ? biases[j]! : 0;
              for (let p = 0; p < k; p++)
                sum += left[turnA ? p * m + i : i * k + p]! * right[turnB ? j * k + p : p * n + j]!;
              expect(values[i * n + j]).toBeCloseTo(fused ? Math.max(0, sum) : sum, 3);
            }
          }
          tf.dispose([a, b, bias, product]);
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('batches of matrices still go the original way', () => {
    const [product, expected] = tf.tidy(() => {
      const a = tf.tensor3d(normals(2 * 3 * 4, 1), [2, 3, 4]);
      const b = tf.tensor3d(normals(2 * 5 * 4, 2), [2, 5, 4]);
      const each = [0, 1].map((i) =>
        tf.matMul(tf.squeeze(tf.slice(a, i, 1), [0]), tf.squeeze(tf.slice(b, i, 1), [0]), false, true),
      );
      return [tf.matMul(a, b, false, true).dataSync(), tf.stack(each).dataSync()] as const;
    });
    product.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });

  it('leave no tensor behind', () => {
    const a = tf.ones([6, 50]) as tf.Tensor2D;
    const b = tf.ones([7, 50]) as tf.Tensor2D;
    const before = tf.memory();
    tf.matMul(a, b, false, true).dispose();
    tf.matMul(a, a, true, false).dispose();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    expect(tf.engine().backend.numDataIds()).toBe(before.numDataBuffers);
    tf.dispose([a, b]);
  });

  it('transposing twice changes nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }), (rows, columns) => {
        const start = Int32Array.from({ length: rows * columns }, (_, i) => i);
        const turned = new Int32Array(start.length);
        const back = new Int32Array(start.length);
        transposeInto(start, turned, rows, columns);
        transposeInto(turned, back, columns, rows);
        expect(back).toEqual(start);
        expect(turned[rows * (columns - 1)]).toBe(columns - 1);
      }),
      { numRuns: 30 },
    );
  });
});

/** AdamW in float64, straight from the paper (Loshchilov and Hutter 2019, algorithm 2). */
function reference(
  start: Float32Array,
  gradients: Float32Array[],
  rate: number,
  decay: number,
): Float64Array {
  const w = Float64Array.from(start);
  const m = new Float64Array(w.length);
  const v = new Float64Array(w.length);
  gradients.forEach((gradient, step) => {
    for (let i = 0; i < w.length; i++) {
      m[i] = 0.9 * m[i]! + 0.1 * gradient[i]!;
      v[i] = 0.999 * v[i]! + 0.001 * gradient[i]! ** 2;
      const mean = m[i]! / (1 - 0.9 ** (step + 1));
      const square = v[i]! / (1 - 0.999 ** (step + 1));
      w[i] = w[i]! - rate * (mean / (Math.sqrt(square) + 1e-8) + decay * w[i]!);
    }
  });
  return w;
}

describe.each(['wasm', 'cpu'] as const)('AdamW on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it.each([1, 3, 4, 7, 64, 1001])('follows the paper for %i weights', (size) => {
    expect(tf.getKernel(ADAMW_KERNEL, backend) !== undefined).toBe(backend === 'wasm');
    const start = normals(size, 1);
    const gradients = [2, 3, 4, 5].map((seed) => normals(size, seed));
    const before = tf.memory().numTensors;
    const optimizer = new AdamW([[size]]);
    let weights: tf.Tensor[] = [tf.tensor1d(start)];
    for (const gradient of gradients)
      weights = optimizer.update(weights, [tf.tensor1d(gradient)], 0.01, [0.1]);
    const values = weights[0]!.dataSync();
    reference(start, gradients, 0.01, 0.1).forEach((expected, i) =>
      expect(values[i]).toBeCloseTo(expected, 5),
    );
    tf.dispose(weights);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
