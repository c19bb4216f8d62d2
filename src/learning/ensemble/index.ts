export {
  createMemberThreads,
  createNetworkEnsemble,
  type EnsembleOptions,
  type NetworkEnsemble,
} from './ensemble';
export { assertInRange, isCount, MINIMUM_LABELS } from './labels';
export type * from './network-kind';
export type { ThreadPool } from './thread-pool';
