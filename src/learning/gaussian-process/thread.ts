import {
  asTitrateError,
  type ErrorCode,
  type ErrorParts,
  type FeatureMatrix,
  type GaussianProcessSettings,
} from '../../contracts';
import type { LabelledSet, Prediction } from '../learning';
import { boundRows, type RowBounds } from './bounds';
import { findDirections, type Directions } from './directions';
import type { FittedOutput } from './fit';
import { prepareModel, type GaussianProcessDefinition, type PreparedModel } from './model';
import { fitOutputs } from './outputs';
import { covarianceBetween } from './cross-covariance';
import { jointCovariance, predict as predictRows } from './posterior';
import { samplePosterior } from './sampling';

/** What a thread answers: errors go as data, because structured cloning strips an error of its class and code. */
export type Answer<T> =
  { readonly value: T } | { readonly error: { readonly code: ErrorCode; readonly parts: ErrorParts } };

export interface FitAnswer {
  /** One a property, the wanted one first. */
  readonly outputs: readonly FittedOutput[];
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
    const outputs = fitOutputs(task.settings, task.labelled);
    return { outputs, seconds: (performance.now() - start) / 1000 };
  });
}

export function prepare(definitions: readonly GaussianProcessDefinition[]): Answer<FittedOutput[]> {
  return answer(() => definitions.map((definition) => ({ definition, model: prepareModel(definition) })));
}

export function predict(task: { model: PreparedModel; features: FeatureMatrix }): Answer<Prediction> {
  return answer(() => predictRows(task.model, task.features));
}

export function sample(task: {
  model: PreparedModel;
  features: FeatureMatrix;
  count: number;
  seed: number;
}): Answer<Float64Array[]> {
  return answer(() => samplePosterior(task.model, task.features, task.count, task.seed));
}

export function covariance(task: { model: PreparedModel; features: FeatureMatrix }): Answer<Float64Array> {
  return answer(() => jointCovariance(task.model, task.features));
}

export function crossCovariance(task: {
  model: PreparedModel;
  features: FeatureMatrix;
  others: FeatureMatrix;
}): Answer<Float64Array> {
  return answer(() => covarianceBetween(task.model, task.features, task.others));
}

export function directions(task: { model: PreparedModel; features: FeatureMatrix }): Answer<Directions> {
  return answer(() => findDirections(task.model, task.features));
}

export function bounds(task: {
  model: PreparedModel;
  directions: Directions;
  features: FeatureMatrix;
}): Answer<RowBounds> {
  return answer(() => boundRows(task.model, task.directions, task.features));
}
