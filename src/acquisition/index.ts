export type { Candidates, SelectedPick, SelectRequest } from './acquisition';
export * from './normal';
export { sealBatch, verifySeal } from './seal';
export { selectBatch } from './select';
