import { threadId } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from './native';
import type { AdamWScalars } from './wasm-adamw';

let variables = 0;

/**
 * One parameter's AdamW update on TensorFlow's own optimizer (ResourceApplyAdam): one pass over memory, in place; out of
 * TensorFlow.js's operations it takes eleven. Weights and moments are TensorFlow variables, which `dispose` destroys.
 */
export class NativeAdamW {
  private readonly weight: tf.Tensor;
  private readonly mean: tf.Tensor;
  private readonly square: tf.Tensor;

  constructor(
    private readonly backend: NativeBackend,
    private readonly shape: readonly number[],
  ) {
    [this.weight, this.mean, this.square] = [this.variable(), this.variable(), this.variable()];
    const zeros = tf.zeros([...shape]);
    this.assign(this.mean, zeros);
    this.assign(this.square, zeros);
    zeros.dispose();
  }

  /** The new weight; the old one is disposed of, so that TensorFlow finds nobody else reading and works in place. */
  update(weight: tf.Tensor, gradient: tf.Tensor, s: AdamWScalars): tf.Tensor {
    const decayed = tf.mul(weight, s.decay);
    weight.dispose();
    this.assign(this.weight, decayed);
    decayed.dispose();
    // The bias correction is in `step` and `epsilon` already: powers of zero switch TensorFlow's own off.
    const scalars = [0, 0, s.step, s.beta1, s.beta2, s.epsilon].map((value) => tf.scalar(value));
    const { binding } = this.backend;
    this.backend.executeMultipleOutputs(
      'ResourceApplyAdam',
      [
        { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'use_locking', type: binding.TF_ATTR_BOOL, value: false },
        { name: 'use_nesterov', type: binding.TF_ATTR_BOOL, value: false },
      ],
      [this.weight, this.mean, this.square, ...scalars, gradient],
      0,
    );
    tf.dispose(scalars);
    return this.backend.executeSingleOutput('ReadVariableOp', [this.dtype()], [this.weight]);
  }

  dispose(): void {
    const { TF_ATTR_BOOL: type } = this.backend.binding;
    for (const handle of [this.weight, this.mean, this.square]) {
      const attributes = [{ name: 'ignore_lookup_error', type, value: true }];
      this.backend.executeMultipleOutputs('DestroyResourceOp', attributes, [handle], 0);
      handle.dispose();
    }
  }

  private variable(): tf.Tensor {
    const { binding } = this.backend;
    const { TF_ATTR_STRING: string, TF_ATTR_SHAPE } = binding;
    return this.backend.executeSingleOutput(
      'VarHandleOp',
      [
        { name: 'container', type: string, value: '' },
        { name: 'shared_name', type: string, value: `adamw-${threadId}-${++variables}` },
        this.dtype(),
        { name: 'shape', type: TF_ATTR_SHAPE, value: [...this.shape] },
      ],
      [],
    );
  }

  private assign(handle: tf.Tensor, value: tf.Tensor): void {
    const validate = { name: 'validate_shape', type: this.backend.binding.TF_ATTR_BOOL, value: false };
    this.backend.executeMultipleOutputs('AssignVariableOp', [this.dtype(), validate], [handle, value], 0);
  }

  private dtype() {
    const { TF_ATTR_TYPE: type, TF_FLOAT: value } = this.backend.binding;
    return { name: 'dtype', type, value };
  }
}
