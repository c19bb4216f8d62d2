export { figuresAt, type Figures } from './calibrated-figures';
export { featuriseIsolating } from './featurising';
export { createInferenceServer, type InferenceServer, type InferenceServerOptions } from './server';
export { createPredictor, type NamedPredictions, type Predictor } from './predictor';
export { loadModel } from './loaded-model';
export { namedModels, signedOnly, type ModelCatalogue, type NamedModel } from './catalogue';
export type {
  LoadedModel,
  LoadSources,
  MoleculeKey,
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
export {
  pinnedTo,
  TRAFFIC_METRICS,
  type CandidateMessage,
  type TrafficOptions,
  type TrialStatus,
} from './traffic';
