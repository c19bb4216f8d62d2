export type * from './datasets';
export { createDatasets, type DatasetsOptions } from './create-datasets';
export { createEngine, type Engine, type EngineOptions } from './engine';
export { DATASET_SCHEMA } from './row-columns';
export { endsShard } from './shards';
export * from './card';
