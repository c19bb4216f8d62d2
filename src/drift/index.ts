export { batchReference, type BatchReference, type EarlierBatch } from './batch-reference';
export { ACT_FROM, FALSE_ALARMS_A_LOOK, MINIMUM, SPANS } from './budget';
export { driftReference, isCompared, promisedResiduals, type DriftReference } from './reference';
export {
  emptySample,
  type ColumnState,
  type DescriptorTable,
  type DriftSample,
  type ServedColumn,
} from './sample';
export { sampleFromJson, sampleToJson } from './sample-json';
export type { HitRule } from './detectors/truth';
export * from './response';
export { HISTORY_WINDOWS, look, type LookOptions } from './watch';
