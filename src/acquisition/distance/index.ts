export { Coverage, greedyMedoids } from './coverage';
export { farthestFirst } from './maxmin';
export { similarity, SimilarityIndex, sparseRowsOf, type SparseRows } from './sparse-rows';
