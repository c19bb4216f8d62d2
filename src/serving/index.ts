export { createInferenceServer, type InferenceServer, type InferenceServerOptions } from './server';
export { createPredictor, type NamedPredictions, type Predictor } from './predictor';
export type {
  LoadedModel,
  MoleculeFailure,
  MoleculePrediction,
  MoleculeOutcome,
  ModelSources,
} from './loaded-model';
export type { LiveModelStatus } from './live-models';
export type { ServingLogger } from './logger';
export { respellSmiles } from './respelling';
export {
  compareSpellings,
  spellingInvariance,
  type SpellingInvariance,
  type SpellingPair,
  type SpellingRequest,
} from './spelling';
