import type { LearningTask } from '../../contracts';
import { classLoss, classWeights, logLoss } from './classification';
import type { HeldOut, StandardLabels } from './hold-out';
import { batchLoss } from './likelihood';
import type { BatchLoss } from './loss';
import type { TargetScale } from './labels';
import { fitLogitScale } from './logit-scale';
import type { OutputLayer } from './network-kind';

/** Outputs for one property: mean and raw log variance; of classes, the logit. */
export const outputsPerTarget = (task: LearningTask): number => (task === 'classification' ? 1 : 2);

/**
 * Last layer for a number of properties. The weights of log variances start at zero, so that all rows start out equally noisy.
 */
export function outputLayer(task: LearningTask, targets: number): OutputLayer {
  const each = outputsPerTarget(task);
  return { outputs: targets * each, startsAtZero: (output) => output % each === 1 };
}

/** Loss of all properties at once: each is a mean over the rows in which it was measured, and all weigh the same. */
export interface Head {
  readonly layer: OutputLayer;
  /** Labels that teach (limits among them), and that are held out, of all properties. */
  readonly count: Readonly<BatchLoss>;
  /**
   * Loss of a batch and what flows back into the network.
   * @param outputs [batch, outputs], properties one after the other
   * @param rows row of each batch entry in the labels
   * @param byOutputs filled with the derivatives, same shape; 0 where a property was not measured
   */
  loss(outputs: Float32Array, rows: ArrayLike<number>, byOutputs: Float32Array): BatchLoss;
  /**
   * What early stopping watches, summed over the held-out labels among the rows: squared errors of standardised means, or log
   * losses of classes. Not the density: the variance is taught by these rows, and would look better and better.
   */
  heldOutError(outputs: Float32Array, rows: ArrayLike<number>): number;
  /**
   * How outputs become the logits of classes as frequent as they are, one entry a property; from the held-out rows, or from all
   * where none are.
   * @param outputs of all rows
   */
  logitScales(outputs: Float32Array): TargetScale[];
}

/** One head over the properties in their order; `heldOut` has one entry each. */
export function createHead(
  task: LearningTask,
  targets: readonly StandardLabels[],
  heldOut: readonly HeldOut[],
): Head {
  const stride = outputsPerTarget(task) * targets.length;
  const parts = targets.map((labels, target) => ({
    labels,
    held: heldOut[target]!,
    place: { offset: outputsPerTarget(task) * target, stride, weight: 1 / targets.length },
    weights: classWeights(task === 'classification' ? labels.values : new Float64Array(0)),
  }));
  const count = { training: 0, heldOut: 0 };
  for (const { held } of parts) {
    count.training += held.labels - held.count;
    count.heldOut += held.count;
  }
  return {
    layer: outputLayer(task, targets.length),
    count,

    loss(outputs, rows, byOutputs) {
      const sum = { training: 0, heldOut: 0 };
      for (const { labels, held, place, weights } of parts) {
        const part =
          task === 'regression'
            ? batchLoss(outputs, labels, rows, held, byOutputs, place)
            : classLoss(outputs, labels, rows, held, byOutputs, place, weights);
        sum.training += part.training;
        sum.heldOut += part.heldOut;
      }
      return sum;
    },

    heldOutError(outputs, rows) {
      let sum = 0;
      for (const { labels, held, place, weights } of parts) {
        for (let i = 0; i < rows.length; i++) {
          if (held.rows[rows[i]!] !== 1) continue;
          const output = outputs[place.offset + stride * i]!;
          const value = labels.values[rows[i]!]!;
          sum +=
            task === 'regression' ? (output - value) ** 2 : logLoss(output + weights.logitShift, value === 1);
        }
      }
      return sum;
    },

    logitScales: (outputs) =>
      parts.map(({ labels, held, place, weights }) => {
        const judged = Array.from(labels.values.keys()).filter(
          (row) => !Number.isNaN(labels.values[row]) && (held.count === 0 || held.rows[row] === 1),
        );
        const logits = judged.map((row) => outputs[place.offset + stride * row]! + weights.logitShift);
        const classes = judged.map((row) => labels.values[row]!);
        const { centre, scale } = fitLogitScale(logits, classes, held.count > 0);
        return { centre: centre + scale * weights.logitShift, scale };
      }),
  };
}
