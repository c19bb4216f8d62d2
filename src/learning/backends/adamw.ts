import * as tf from '@tensorflow/tfjs';
import { ADAMW_KERNEL, type AdamWScalars } from './wasm-adamw';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

interface Moments {
  mean: tf.Tensor;
  square: tf.Tensor;
}

/**
 * Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), beta1 0.9, beta2 0.999, epsilon 1e-8.
 * Owns its moments; the weights belong to the caller. On the WASM backend an update is one fused kernel.
 */
export class AdamW {
  private readonly moments: Moments[];
  private readonly fused: boolean;
  private updates = 0;

  /** @param shapes shape of each parameter, in the order in which `update` gets them */
  constructor(shapes: readonly (readonly number[])[]) {
    this.moments = shapes.map((shape) => ({ mean: tf.zeros([...shape]), square: tf.zeros([...shape]) }));
    this.fused = tf.getKernel(ADAMW_KERNEL, tf.getBackend()) !== undefined;
  }

  /**
   * One step. Disposes the old weights and the gradients, and returns the new weights, shapes as given.
   * @param learningRate of this step
   * @param weightDecay for each parameter; what is taken off is learningRate * weightDecay * weight
   */
  update(
    weights: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    learningRate: number,
    weightDecay: readonly number[],
  ): tf.Tensor[] {
    this.updates++;
    // Bias correction moved out of the moments (Kingma and Ba, end of section 2).
    const correction = Math.sqrt(1 - BETA2 ** this.updates);
    const step = (learningRate * correction) / (1 - BETA1 ** this.updates);
    return weights.map((weight, i) => {
      const scalars = {
        beta1: BETA1,
        beta2: BETA2,
        step,
        epsilon: EPSILON * correction,
        decay: 1 - learningRate * weightDecay[i]!,
      };
      const next = this.fused
        ? updateFused(weight, gradients[i]!, this.moments[i]!, scalars)
        : updateInSteps(weight, gradients[i]!, this.moments[i]!, scalars);
      weight.dispose();
      gradients[i]!.dispose();
      return next;
    });
  }

  dispose(): void {
    for (const { mean, square } of this.moments) tf.dispose([mean, square]);
    this.moments.length = 0;
  }
}

function updateFused(
  w: tf.Tensor,
  g: tf.Tensor,
  { mean, square }: Moments,
  scalars: AdamWScalars,
): tf.Tensor {
  return tf.engine().runKernel(ADAMW_KERNEL, { w, m: mean, v: square, g }, { ...scalars }) as tf.Tensor;
}

function updateInSteps(w: tf.Tensor, g: tf.Tensor, moments: Moments, s: AdamWScalars): tf.Tensor {
  const [mean, square, next] = tf.tidy(() => {
    const m = tf.add(tf.mul(moments.mean, s.beta1), tf.mul(g, 1 - s.beta1));
    const v = tf.add(tf.mul(moments.square, s.beta2), tf.mul(tf.square(g), 1 - s.beta2));
    const change = tf.div(tf.mul(m, s.step), tf.add(tf.sqrt(v), s.epsilon));
    return [m, v, tf.sub(tf.mul(w, s.decay), change)] as [tf.Tensor, tf.Tensor, tf.Tensor];
  });
  tf.dispose([moments.mean, moments.square]);
  moments.mean = mean;
  moments.square = square;
  return next;
}
