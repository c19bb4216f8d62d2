import {
  createMemberThreads,
  createNetworkEnsemble,
  type EnsembleOptions,
  type NetworkEnsemble,
  type ThreadPool,
} from '../ensemble';
import { mlpPlan } from './plan';

/**
 * Deep ensembles of multilayer perceptrons on fingerprints and descriptors.
 * @param on threads of their own, or those of another family to share
 * @throws config-invalid when `threads` is no positive integer
 */
export function createMlpEnsemble(on: EnsembleOptions | ThreadPool): NetworkEnsemble {
  return createNetworkEnsemble(mlpPlan, 'run' in on ? on : createMemberThreads(on));
}
