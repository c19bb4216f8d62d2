import { solveLowerInPlace } from '../gaussian-process/cholesky';
import { decodeDefinitions } from '../gaussian-process/codec';
import { NODES, WEIGHTS } from '../gaussian-process/link';
import { noiseDeviation, prepareModel, type PreparedModel } from '../gaussian-process/model';
import type { GraphBuilder } from './graph';
import type { Moments, OnnxHead } from './head';
import { minMaxKernel } from './min-max';
import type { Places } from './layout';

/** Columns of an inverse found together. */
const BLOCK = 256;

/**
 * A Gaussian process, exact or sparse, of values or of classes, in float64. Where a prediction solves triangular systems the graph
 * multiplies by their inverses.
 * @throws artifact-corrupt, numerical
 */
export function gaussianProcessHead(bytes: Uint8Array): OnnxHead {
  const definitions = decodeDefinitions(bytes);
  const [wanted] = definitions;
  const model = prepareModel(wanted!);
  return {
    needs: {
      featurizer: wanted!.features.spec,
      columns: model.space.columns,
      keys: model.space.keys,
      total: model.space.layout === 'counts',
    },
    auxiliary: definitions.length - 1,
    build: (graph, features, places) => posterior(graph, model, features, places),
  };
}

function posterior(graph: GraphBuilder, model: PreparedModel, features: string, places: Places): Moments {
  const { rootWeights, factor, correction, coefficients, noiseRatio, signalVariance, shift, scale } = model;
  const n = rootWeights.length;
  const kernel = minMaxKernel(graph, model, features, places);
  const standard = graph.add(
    graph.sum(graph.matMul(kernel, graph.constant(Float64Array.from(coefficients), [n, 1])), 1),
    graph.scalar(model.mean),
  );
  const mean = graph.add(graph.multiply(standard, graph.scalar(scale)), graph.scalar(shift));

  const whitening = inverseTransposed(factor, n);
  const explained = squaredLength(graph, kernel, weighted(whitening, rootWeights));
  let share = graph.subtract(graph.scalar(1), explained);
  if (correction) {
    const root = Math.sqrt(noiseRatio);
    const open = whitening.map((value) => root * value);
    solveLowerInPlace(correction, n, open, n);
    share = graph.add(share, squaredLength(graph, kernel, open));
  }
  const left = graph.max(share, graph.scalar(0));
  const deviation = graph.multiply(
    graph.sqrt(graph.multiply(left, graph.scalar(signalVariance))),
    graph.scalar(scale),
  );
  if (model.link) return classMoments(graph, mean, deviation);
  return { mean, aleatoric: graph.fill(noiseDeviation(model), mean), epistemic: deviation };
}

/** |k M|² of each row of the kernel. @param matrix n x n, row-major */
function squaredLength(graph: GraphBuilder, kernel: string, matrix: Float64Array): string {
  const n = Math.sqrt(matrix.length);
  return graph.sum(graph.square(graph.matMul(kernel, graph.constant(matrix, [n, n]))), 1);
}

/** Row i times the weight of row i, in place. */
function weighted(matrix: Float64Array, weights: Float64Array): Float64Array {
  const n = weights.length;
  return weights.every((weight) => weight === 1)
    ? matrix
    : matrix.map((value, at) => value * weights[Math.floor(at / n)]!);
}

/**
 * The transposed inverse of a lower triangle, row-major n x n. Its row i is zero before column i, so that only the triangle from there
 * on is solved.
 */
function inverseTransposed(factor: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let from = 0; from < n; from += BLOCK) {
    const size = n - from;
    const rows = Math.min(BLOCK, size);
    const triangle = new Float64Array(size * size);
    for (let i = 0; i < size; i++)
      triangle.set(factor.subarray((from + i) * n + from, (from + i) * n + from + i + 1), i * size);
    const block = new Float64Array(rows * size);
    for (let i = 0; i < rows; i++) block[i * size + i] = 1;
    solveLowerInPlace(triangle, size, block, rows);
    for (let i = 0; i < rows; i++)
      inverse.set(block.subarray(i * size, (i + 1) * size), (from + i) * n + from);
  }
  return inverse;
}

/** Moments of the probability of 1, its log odds normal: the sums of link.ts. */
function classMoments(graph: GraphBuilder, mean: string, deviation: string): Moments {
  const column = (values: string) => graph.node('Unsqueeze', [values, graph.axis(1)]);
  const nodes = graph.constant(NODES, [1, NODES.length]);
  const p = graph.logistic(graph.add(column(mean), graph.multiply(column(deviation), nodes)));
  const weights = graph.constant(WEIGHTS, [WEIGHTS.length, 1]);
  const first = graph.sum(graph.matMul(p, weights), 1);
  const second = graph.sum(graph.matMul(graph.square(p), weights), 1);
  const root = (value: string) => graph.sqrt(graph.max(value, graph.scalar(0)));
  return {
    mean: first,
    aleatoric: root(graph.subtract(first, second)),
    epistemic: root(graph.subtract(second, graph.square(first))),
  };
}
