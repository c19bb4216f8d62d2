import {
  asTitrateError,
  type ErrorCode,
  type ErrorParts,
  type FeatureMatrix,
  type GaussianProcessSettings,
} from '../../contracts';
import type { LabelledSet } from '../learning';
import { fitGaussianProcess } from './fit';
import {
  noiseDeviation,
  predictLatent,
  prepareModel,
  type GaussianProcessDefinition,
  type PreparedModel,
} from './model';
import { samplePosterior } from './sampling';

/** What a thread answers: errors go as data, because structured cloning strips an error of its class and code. */
export type Answer<T> =
  { readonly value: T } | { readonly error: { readonly code: ErrorCode; readonly parts: ErrorParts } };

export interface FitAnswer {
  readonly definition: GaussianProcessDefinition;
  readonly model: PreparedModel;
  /** Of this thread, seconds. */
  readonly seconds: number;
}

function answer<T>(work: () => T): Answer<T> {
  try {
    return { value: work() };
  } catch (error) {
    const { code, parts } = asTitrateError(error);
    return { error: { code, parts } };
  }
}

export function fit(task: { settings: GaussianProcessSettings; labelled: LabelledSet }): Answer<FitAnswer> {
  return answer(() => {
    const start = performance.now();
    const fitted = fitGaussianProcess(task.settings, task.labelled);
    const model = prepareModel(fitted);
    const definition =
      model.jitter > 0 ? { ...fitted, facts: { ...fitted.facts, jitter: model.jitter } } : fitted;
    return { definition, model, seconds: (performance.now() - start) / 1000 };
  });
}

export function prepare(definition: GaussianProcessDefinition): Answer<PreparedModel> {
  return answer(() => prepareModel(definition));
}

export function predict(task: {
  model: PreparedModel;
  features: FeatureMatrix;
}): Answer<{ mean: Float64Array; deviation: Float64Array; noise: number }> {
  return answer(() => ({ ...predictLatent(task.model, task.features), noise: noiseDeviation(task.model) }));
}

export function sample(task: {
  model: PreparedModel;
  features: FeatureMatrix;
  count: number;
  seed: number;
}): Answer<Float64Array[]> {
  return answer(() => samplePosterior(task.model, task.features, task.count, task.seed));
}
