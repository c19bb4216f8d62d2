import type { Qualifier } from '../../contracts';
import { inverseMills, normalLogCdf } from '../../foundation';
import type { HeldOut, StandardLabels } from './hold-out';
import { sigmoid, softplus, type BatchLoss, type OutputPlace } from './loss';

/**
 * Noise variance stays between 1e-4 and 10 times the variance of the targets: below, a network that has learnt its few
 * labels by heart would claim certainty; above, nothing in the data can ask for it.
 */
export const LOG_VARIANCE_FLOOR = Math.log(1e-4);
export const LOG_VARIANCE_CEILING = Math.log(10);

/**
 * Exponent of the variance by which a row's pull on the mean is weighted (beta-NLL, Seitzer et al., ICLR 2022). With 0, the
 * plain likelihood, rows once called noisy stop teaching the mean; with 1 the mean learns as under squared error.
 */
export const BETA = 0.5;

/**
 * The second head's raw output as a log variance between floor and ceiling, smoothly (Chua et al., NeurIPS 2018, A.1).
 * @returns the log variance and its derivative by `raw`
 */
export function boundLogVariance(raw: number): { logVariance: number; slope: number } {
  const capped = LOG_VARIANCE_CEILING - softplus(LOG_VARIANCE_CEILING - raw);
  const logVariance = LOG_VARIANCE_FLOOR + softplus(capped - LOG_VARIANCE_FLOOR);
  return { logVariance, slope: sigmoid(LOG_VARIANCE_CEILING - raw) * sigmoid(capped - LOG_VARIANCE_FLOOR) };
}

/** Negative log likelihood of one row, nats, and its derivatives by mean and log variance. */
export interface RowLoss {
  readonly loss: number;
  readonly byMean: number;
  readonly byLogVariance: number;
}

/**
 * A measurement y of a quantity predicted as N(mean, variance / replicates): Gaussian density for '='; for '<' and '>'
 * the probability that a measurement lies beyond the limit y (Tobin 1958).
 */
export function rowLoss(
  mean: number,
  logVariance: number,
  y: number,
  qualifier: Qualifier,
  replicates: number,
): RowLoss {
  const scale = Math.exp(0.5 * logVariance) / Math.sqrt(replicates);
  if (qualifier === '=') {
    const z = (y - mean) / scale;
    return {
      loss: 0.5 * z * z + Math.log(scale) + 0.5 * Math.log(2 * Math.PI),
      byMean: -z / scale,
      byLogVariance: 0.5 * (1 - z * z),
    };
  }
  const side = qualifier === '>' ? 1 : -1;
  const z = (side * (mean - y)) / scale;
  const hazard = inverseMills(z);
  return { loss: -normalLogCdf(z), byMean: (-side * hazard) / scale, byLogVariance: 0.5 * hazard * z };
}

const ALONE: OutputPlace = { offset: 0, stride: 2, weight: 1 };

/**
 * Loss of a batch and what flows back into the network. Rows are divided: most teach the mean (beta-NLL), the held-out ones
 * teach the variance (NLL), not the mean. A network soon knows its few labels by heart; residuals of rows it has fitted
 * would say that there is no noise.
 * @param outputs at `place`: mean and raw log variance
 * @param rows row of each batch entry in `labels`; those without a label teach nothing
 * @param heldOut 1 for rows that teach the variance, one entry a label
 * @param byOutput filled with the derivatives at the same places, scaled so that over an epoch each part is a mean over its rows
 */
export function batchLoss(
  outputs: Float32Array,
  labels: StandardLabels,
  rows: ArrayLike<number>,
  heldOut: HeldOut,
  byOutput: Float32Array,
  { offset, stride, weight }: OutputPlace = ALONE,
): BatchLoss {
  const loss = { training: 0, heldOut: 0 };
  const count = rows.length;
  const total = weight * labels.values.length;
  const perTraining = total / (heldOut.labels - heldOut.count) / count;
  const perHeldOut = total / heldOut.count / count;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    const at = offset + stride * i;
    byOutput[at] = 0;
    byOutput[at + 1] = 0;
    const y = labels.values[row]!;
    if (Number.isNaN(y)) continue;
    const { logVariance, slope } = boundLogVariance(outputs[at + 1]!);
    const terms = rowLoss(outputs[at]!, logVariance, y, labels.qualifiers[row]!, labels.replicates[row]!);
    const held = heldOut.rows[row] === 1;
    loss[held ? 'heldOut' : 'training'] += terms.loss;
    if (held) byOutput[at + 1] = perHeldOut * terms.byLogVariance * slope;
    else byOutput[at] = perTraining * Math.exp(BETA * logVariance) * terms.byMean;
  }
  return loss;
}
