import type { LearningTask } from '../../contracts';
import { outputsPerTarget } from '../ensemble/head';
import type { TargetScale } from '../ensemble/labels';
import { LOG_VARIANCE_CEILING, LOG_VARIANCE_FLOOR } from '../ensemble/likelihood';
import type { GraphBuilder } from './graph';
import type { Moments } from './head';

/** log(1 + e^x) without overflow; ONNX Runtime has no Softplus in float64. */
function softplus(graph: GraphBuilder, x: string): string {
  const size = graph.node('Neg', [graph.node('Abs', [x])]);
  const tail = graph.node('Log', [graph.add(graph.scalar(1), graph.node('Exp', [size]))]);
  return graph.add(graph.max(x, graph.scalar(0)), tail);
}

/**
 * What members say of the wanted property together, as moments.ts of the ensembles has it.
 * @param outputs float32 [members, rows, outputs], the wanted property's first
 * @param scales of the wanted property, one a member
 */
export function ensembleMoments(
  graph: GraphBuilder,
  task: LearningTask,
  scales: readonly TargetScale[],
  outputs: string,
): Moments {
  const members = scales.length;
  const column = (values: number[]) => graph.constant(Float64Array.from(values), [members, 1]);
  const output = (index: number) => graph.cast(graph.sum(graph.gather(outputs, [index], 2), 2), 'double');
  const scale = column(scales.map((one) => one.scale));
  const raw = graph.add(column(scales.map((one) => one.centre)), graph.multiply(scale, output(0)));
  const isClass = task === 'classification';
  const value = isClass ? graph.logistic(raw) : raw;
  const mean = graph.mean(value, 0);
  const spread = graph.sum(graph.square(graph.subtract(value, mean)), 0);
  let variance: string;
  if (isClass) {
    variance = graph.multiply(value, graph.subtract(graph.scalar(1), value));
  } else {
    const ceiling = graph.scalar(LOG_VARIANCE_CEILING);
    const floor = graph.scalar(LOG_VARIANCE_FLOOR);
    const above = graph.subtract(ceiling, output(outputsPerTarget(task) - 1));
    const capped = graph.subtract(ceiling, softplus(graph, above));
    const logVariance = graph.add(floor, softplus(graph, graph.subtract(capped, floor)));
    variance = graph.multiply(graph.square(scale), graph.node('Exp', [logVariance]));
  }
  return {
    mean,
    aleatoric: graph.sqrt(graph.mean(variance, 0)),
    epistemic: graph.sqrt(graph.divide(spread, graph.scalar(Math.max(1, members - 1)))),
  };
}
