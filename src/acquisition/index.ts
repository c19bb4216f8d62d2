export type { Candidates, SelectedPick, SelectRequest } from './acquisition';
export * from './improvement';
export { sealBatch, verifySeal } from './seal';
export { selectBatch } from './select';
