import type * as tf from '@tensorflow/tfjs';
import { MINIMUM_TO_STOP_ON } from './hold-out';

/**
 * Epochs without a better held-out error after which training ends, as a share of all and at least so many. The learning rate
 * falls along a cosine over all epochs, so the best ones come late: a short wait would throw them away.
 */
const PATIENCE_SHARE = 0.25;
const LEAST_PATIENCE = 10;

/** Keeps the weights of the epoch with the least held-out error, and says when to give up hope of a better one. */
export class EarlyStopping {
  private best: { error: number; epoch: number; parameters: Float32Array[] } | null = null;
  private readonly patience: number;
  /** False where there are too few held-out labels to judge by: then the last epoch is the one that counts. */
  readonly active: boolean;

  constructor(heldOut: number, epochs: number) {
    this.active = heldOut >= MINIMUM_TO_STOP_ON;
    this.patience = Math.max(LEAST_PATIENCE, Math.ceil(PATIENCE_SHARE * epochs));
  }

  /** The epoch, from 1, whose weights are kept; undefined before the first one. */
  get epoch(): number | undefined {
    return this.best?.epoch;
  }

  /**
   * @param error of the held-out labels after the epoch, with the parameters as they are now
   * @returns whether training should end
   */
  after(epoch: number, error: number, parameters: readonly tf.Tensor[]): boolean {
    if (!this.best || error < this.best.error) this.best = { error, epoch, parameters: copied(parameters) };
    return epoch - this.best.epoch >= this.patience;
  }

  /** The weights to keep: the best seen, or the given ones where nothing was judged. */
  restore(parameters: readonly tf.Tensor[]): Float32Array[] {
    return this.best?.parameters ?? copied(parameters);
  }
}

const copied = (parameters: readonly tf.Tensor[]) =>
  parameters.map((tensor) => Float32Array.from(tensor.dataSync()));
