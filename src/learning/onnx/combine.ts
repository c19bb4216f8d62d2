import type { ModelCalibration } from '../../contracts';
import { EDGE } from '../calibration/platt';
import type { GraphBuilder } from './graph';
import type { Moments } from './head';

/** The mixture of several models' predictions, as a stack combines them (stack/combine.ts). @param weights summing to 1 */
export function combineMoments(
  graph: GraphBuilder,
  models: readonly Moments[],
  weights: readonly number[],
): Moments {
  const mixed = (value: (moments: Moments) => string) =>
    models
      .map((moments, i) => graph.multiply(value(moments), graph.scalar(weights[i]!)))
      .reduce((sum, term) => graph.add(sum, term));
  const mean = mixed((moments) => moments.mean);
  const apart = (moments: Moments) => graph.square(graph.subtract(moments.mean, mean));
  return {
    mean,
    aleatoric: graph.sqrt(mixed(({ aleatoric }) => graph.square(aleatoric))),
    epistemic: graph.sqrt(mixed((moments) => graph.add(graph.square(moments.epistemic), apart(moments)))),
  };
}

/** A prediction with its calibration applied (calibration/apply.ts). */
export function calibrateMoments(
  graph: GraphBuilder,
  calibration: ModelCalibration,
  { mean, aleatoric, epistemic }: Moments,
): Moments {
  if (!('task' in calibration)) {
    const scale = graph.scalar(calibration.scale);
    return {
      mean,
      aleatoric: graph.multiply(aleatoric, scale),
      epistemic: graph.multiply(epistemic, scale),
    };
  }
  const one = graph.scalar(1);
  const spreadAt = (p: string) => graph.multiply(p, graph.subtract(one, p));
  const kept = graph.max(graph.min(mean, graph.scalar(1 - EDGE)), graph.scalar(EDGE));
  const logit = graph.node('Log', [graph.divide(kept, graph.subtract(one, kept))]);
  const slope = graph.scalar(calibration.slope);
  const calibrated = graph.logistic(
    graph.add(graph.multiply(logit, slope), graph.scalar(calibration.intercept)),
  );
  const variance = spreadAt(calibrated);
  const steepness = graph.divide(graph.multiply(slope, variance), spreadAt(kept));
  const unknown = graph.min(graph.sqrt(variance), graph.multiply(steepness, epistemic));
  const rest = graph.max(graph.subtract(variance, graph.square(unknown)), graph.scalar(0));
  return { mean: calibrated, aleatoric: graph.sqrt(rest), epistemic: unknown };
}
