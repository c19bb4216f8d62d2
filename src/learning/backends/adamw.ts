import * as tf from '@tensorflow/tfjs';
import { nativeCpu } from './native';
import { NativeAdamW } from './native-adamw';
import { ADAMW_KERNEL, type AdamWScalars } from './wasm-adamw';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** The update of one parameter on one backend; owns the moments. */
interface ParameterUpdate {
  /** The new weight; disposes of the old one. */
  update(weight: tf.Tensor, gradient: tf.Tensor, scalars: AdamWScalars): tf.Tensor;
  dispose(): void;
}

/**
 * Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019), beta1 0.9, beta2 0.999, epsilon 1e-8.
 * Owns its moments; the weights belong to the caller. On the WASM backend an update is one fused kernel, on native TensorFlow
 * its own operation.
 */
export class AdamW {
  private readonly parameters: ParameterUpdate[];
  private updates = 0;

  /** @param shapes shape of each parameter, in the order in which `update` gets them */
  constructor(shapes: readonly (readonly number[])[]) {
    const native = nativeCpu();
    const fused = tf.getKernel(ADAMW_KERNEL, tf.getBackend()) !== undefined;
    this.parameters = shapes.map((shape) =>
      native
        ? new NativeAdamW(native, shape)
        : new MomentsUpdate(shape, fused ? fusedUpdate : stepwiseUpdate),
    );
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
      const next = this.parameters[i]!.update(weight, gradients[i]!, scalars);
      gradients[i]!.dispose();
      return next;
    });
  }

  dispose(): void {
    for (const parameter of this.parameters) parameter.dispose();
    this.parameters.length = 0;
  }
}

interface Moments {
  mean: tf.Tensor;
  square: tf.Tensor;
}

/** Moments as tensors, which the update changes or replaces. */
class MomentsUpdate implements ParameterUpdate {
  private readonly moments: Moments;

  constructor(
    shape: readonly number[],
    private readonly step: (w: tf.Tensor, g: tf.Tensor, moments: Moments, s: AdamWScalars) => tf.Tensor,
  ) {
    this.moments = { mean: tf.zeros([...shape]), square: tf.zeros([...shape]) };
  }

  update(weight: tf.Tensor, gradient: tf.Tensor, scalars: AdamWScalars): tf.Tensor {
    const next = this.step(weight, gradient, this.moments, scalars);
    weight.dispose();
    return next;
  }

  dispose(): void {
    tf.dispose([this.moments.mean, this.moments.square]);
  }
}

function fusedUpdate(w: tf.Tensor, g: tf.Tensor, { mean, square }: Moments, s: AdamWScalars): tf.Tensor {
  return tf.engine().runKernel(ADAMW_KERNEL, { w, m: mean, v: square, g }, { ...s }) as tf.Tensor;
}

function stepwiseUpdate(w: tf.Tensor, g: tf.Tensor, moments: Moments, s: AdamWScalars): tf.Tensor {
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
