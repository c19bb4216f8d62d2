import {
  createMemberThreads,
  createNetworkEnsemble,
  type EnsembleOptions,
  type NetworkEnsemble,
  type ThreadPool,
} from '../ensemble';
import { messagePassingPlan } from './plan';

/**
 * Ensembles of directed message-passing networks on molecular graphs, with or without descriptors beside them.
 * @param on threads of their own, or those of another family to share
 * @throws config-invalid when `threads` is no positive integer
 */
export function createMessagePassingEnsemble(on: EnsembleOptions | ThreadPool): NetworkEnsemble {
  return createNetworkEnsemble(messagePassingPlan, 'run' in on ? on : createMemberThreads(on));
}
