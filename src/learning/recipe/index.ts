export * from './candidates';
export { bundleOf } from './combine-leaders';
export * from './recipe';
export type { RecipeProgress } from './progress';
export { exploreCandidates, type ExploreRequest } from './explore-candidates';
