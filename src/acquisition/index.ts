export type { Candidates, SelectedPick, SelectRequest } from './acquisition';
export { chooseBatch, type ChooseRequest, type ChosenPick, type Surrogate } from './choose';
export * from './improvement';
export { sealBatch, verifySeal } from './seal';
export { selectBatch } from './select';
export * from './retrospective';
