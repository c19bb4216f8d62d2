import type { LearningTask } from '../../contracts';
import type { Prediction } from '../learning';
import { sigmoid } from './loss';
import { outputsPerTarget } from './head';
import type { TargetScale } from './labels';
import { boundLogVariance } from './likelihood';

/** What members say of one property, in the property's unit; `outputs` are [rows, outputs] of one member. */
export interface TargetReader {
  /** The member's mean, or its probability of 1. */
  value(member: number, outputs: Float32Array, row: number): number;
  /** The member's variance of a repeat. */
  variance(member: number, outputs: Float32Array, row: number): number;
}

/** @param scales of each member and property @param target position of the property */
export function targetReader(
  task: LearningTask,
  scales: readonly (readonly TargetScale[])[],
  target: number,
): TargetReader {
  const each = outputsPerTarget(task);
  const stride = each * scales[0]!.length;
  const offset = each * target;
  const output = (member: number, outputs: Float32Array, row: number) => {
    const { centre, scale } = scales[member]![target]!;
    return centre + scale * outputs[row * stride + offset]!;
  };
  if (task === 'classification') {
    const value: TargetReader['value'] = (...at) => sigmoid(output(...at));
    return {
      value,
      variance(...at) {
        const p = value(...at);
        return p * (1 - p);
      },
    };
  }
  return {
    value: output,
    variance: (member, outputs, row) =>
      scales[member]![target]!.scale ** 2 *
      Math.exp(boundLogVariance(outputs[row * stride + offset + 1]!).logVariance),
  };
}

/**
 * Fills a prediction's rows from `from` on: the mean over the members, the root of the mean of their variances, and the standard
 * deviation of their means with M - 1 in the denominator (0 for a single member).
 * @param outputs [rows, outputs] of every member
 */
export function fillPrediction(
  prediction: Prediction,
  reader: TargetReader,
  from: number,
  rows: number,
  outputs: readonly Float32Array[],
): void {
  const count = outputs.length;
  for (let row = 0; row < rows; row++) {
    let mean = 0;
    let variance = 0;
    outputs.forEach((output, member) => {
      mean += reader.value(member, output, row) / count;
      variance += reader.variance(member, output, row) / count;
    });
    let spread = 0;
    outputs.forEach((output, member) => (spread += (reader.value(member, output, row) - mean) ** 2));
    prediction.mean[from + row] = mean;
    prediction.aleatoric[from + row] = Math.sqrt(variance);
    prediction.epistemic[from + row] = Math.sqrt(spread / Math.max(1, count - 1));
  }
}

/** The members' means of a row less their mean, over √(M - 1): their products sum to the sample covariance. */
export function rowDeviations(
  reader: TargetReader,
  row: number,
  outputs: readonly Float32Array[],
  deviations: Float64Array,
): number {
  const count = outputs.length;
  const mean = outputs.reduce((sum, output, member) => sum + reader.value(member, output, row) / count, 0);
  outputs.forEach((output, member) => {
    deviations[member] = (reader.value(member, output, row) - mean) / Math.sqrt(Math.max(1, count - 1));
  });
  return mean;
}
