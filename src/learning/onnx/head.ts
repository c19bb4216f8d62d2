import type { GraphBuilder } from './graph';
import type { Needs, Places } from './layout';

/** Names of float64 values of one dimension, an entry a row: a `Prediction` inside a graph. */
export interface Moments {
  readonly mean: string;
  readonly aleatoric: string;
  readonly epistemic: string;
}

/** One model that can become part of a graph. */
export interface OnnxHead {
  readonly needs: Omit<Needs, 'part'>;
  /** Properties that it was taught beside the wanted one; they are not exported. */
  readonly auxiliary: number;
  /**
   * Appends the model to a graph.
   * @param features the graph's input, float32 [rows, columns]
   * @param places where in its columns the model's features are
   */
  build(graph: GraphBuilder, features: string, places: Places): Moments;
}
