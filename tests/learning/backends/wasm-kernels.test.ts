import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createRandom } from '../../../src/foundation';
import { AdamW } from '../../../src/learning/backends/adamw';
import { reluGradient } from '../../../src/learning/backends/relu-gradient';
import { selectBackend } from '../../../src/learning/backends/select';
import { ADAMW_KERNEL } from '../../../src/learning/backends/wasm-adamw';

beforeAll(async () => {
  await selectBackend('wasm');
});

const normals = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

/** Sizes around those of tiles (4 x 8) and of blocks (128 rows, 256 columns, 256 steps), and any below. */
const sizes = (block: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: block - 3, max: block + 9 }) },
  );

describe('matrix products on WASM', () => {
  it('property: are float32 sums in the order of the steps, bit for bit, for any shape and any transposition', () => {
    const leading = fc.constantFrom<number[]>([], [1], [1, 1]);
    fc.assert(
      fc.property(
        sizes(128),
        sizes(256),
        sizes(256),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        leading,
        (m, n, k, turnA, turnB, biased, rectified, lead) => {
          const left = normals(m * k, 1);
          const right = normals(k * n, 2);
          const biases = normals(n, 3);
          const before = tf.memory().numTensors;
          const [shape, values] = tf.tidy(() => {
            const a = tf.tensor<tf.Rank.R2>(left, [...lead, ...(turnA ? [k, m] : [m, k])] as [
              number,
              number,
            ]);
            const b = tf.tensor<tf.Rank.R2>(right, [...lead, ...(turnB ? [n, k] : [k, n])] as [
              number,
              number,
            ]);
            const turns = { transposeA: turnA, transposeB: turnB };
            const out =
              biased || rectified
                ? tf.fused.matMul({
                    ...{ a, b, ...turns, activation: rectified ? 'relu' : 'linear' },
                    ...(biased && { bias: tf.tensor1d(biases) }),
                  })
                : tf.matMul(a, b, turnA, turnB);
            return [out.shape, out.dataSync()] as const;
          });
          expect(shape).toEqual([...lead, m, n]);
          const f = Math.fround;
          const expected = new Float32Array(m * n);
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let sum = biased ? biases[j]! : 0;
              for (let p = 0; p < k; p++)
                sum = f(
                  sum + f(left[turnA ? p * m + i : i * k + p]! * right[turnB ? j * k + p : p * n + j]!),
                );
              expected[i * n + j] = rectified ? Math.max(0, sum) : sum;
            }
          }
          const bits = (of: Float32Array) => Buffer.from(of.buffer, of.byteOffset, of.byteLength);
          expect(bits(values as Float32Array).equals(bits(expected))).toBe(true);
          expect(tf.memory().numTensors).toBe(before);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('carry what is no number to where it belongs, and nowhere else', () => {
    const a = Float32Array.from([1, 2, 3, Number.NaN, 5, 6, Infinity, 8, 9, 10]);
    const product = tf.tidy(() => tf.matMul(tf.tensor2d(a, [5, 2]), tf.ones([2, 3])).dataSync());
    expect([...product]).toEqual([3, NaN, 11, Infinity, 19].flatMap((sum) => [sum, sum, sum]));
  });

  it('other activations, and batches of matrices, still go the original way', () => {
    const x = normals(6, 1);
    const clipped = tf.tidy(() => {
      const a = tf.tensor2d(x, [3, 2]);
      return tf.fused.matMul({ a, b: tf.eye(2), activation: 'relu6' }).dataSync();
    });
    expect([...clipped]).toEqual([...x].map((value) => Math.min(6, Math.max(0, value))));
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
});

describe.each(['wasm', 'cpu'] as const)('the gradient below a rectifier on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  it('passes where the rectifier did', () => {
    const gradient = tf.tidy(() =>
      reluGradient(
        tf.tensor2d([1, -2, 3, 4, -5], [1, 5]),
        tf.tensor2d([0.5, 2, 0, 1e-30, 0], [1, 5]),
      ).dataSync(),
    );
    expect([...gradient].map((value) => value + 0)).toEqual([1, -2, 0, 4, 0]);
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
