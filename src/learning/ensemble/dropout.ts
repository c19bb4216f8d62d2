import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../foundation';
import type { Dropout } from './network-kind';

/**
 * Factors that are 0 with probability `rate` (to 1 in 65536), else 1 / (1 - rate): inverted dropout, Srivastava et al. 2014.
 * Drawn here and not by TensorFlow.js so that every backend sees the same masks.
 */
export function createDropout(rate: number, random: Random): Dropout | undefined {
  if (rate === 0) return undefined;
  const kept = 1 / (1 - rate);
  const threshold = rate * 65536;
  return (rows, units) => {
    const size = rows * units;
    const mask = new Float32Array(size + (size % 2));
    for (let i = 0; i < size; i += 2) {
      const bits = random.next() * 2 ** 32;
      mask[i] = (bits & 0xffff) < threshold ? 0 : kept;
      mask[i + 1] = bits >>> 16 < threshold ? 0 : kept;
    }
    return tf.tensor2d(mask.subarray(0, size), [rows, units]);
  };
}
