export type * from './acquisition';
export { chooseBatch } from './choose';
export * from './improvement';
export { decide, type Decision, type DecisionPart, type DecisionRequest, type Evidence } from './policy';
export { descending, firstOf, hashOrder } from './ranking';
export { sealBatch, verifySeal } from './seal';
export {
  Coverage,
  farthestFirst,
  greedyMedoids,
  similarity,
  SimilarityIndex,
  sparseRowsOf,
  type SparseRows,
} from './distance';
export { utilityOf, type Utility, type UtilityRequest } from './utilities';
export * from './retrospective';
export * from './constraints';
export * from './initial';
export * from './known';
export { frontMolecules, frontOver, hypervolume, referenceOf, type Front, type Traded } from './pareto';
export * from './sharing';
export * from './sheet';
export * from './stopping';
