import type { MlpEnsembleSettings } from '../../contracts';
import type { NetworkPlan } from '../ensemble';
import type { InputEncoding } from './inputs';
import { parameterShapes } from './shape';

/** Multilayer perceptrons: sparse flags and dense values in, rectified layers, outputs. */
export const mlpPlan: NetworkPlan<MlpEnsembleSettings, InputEncoding> = {
  family: 'mlp-ensemble',
  layouts: ['bits', 'dense', 'counts'],

  checkSettings() {
    // Has none of its own.
  },

  parameterShapes: ({ hidden }, { sparse, dense }, outputs) =>
    parameterShapes({ sparse: sparse.length, dense: dense.length, hidden, outputs }),

  inputs: ({ sparse, dense }) => sparse.length + dense.length,

  packEncoding: ({ flags, sparse, dense, centre, scale }) => ({
    header: {},
    arrays: [sparse, dense, centre, scale, flags.keys, flags.thresholds],
  }),

  unpackEncoding({ arrays }, { layout, columns }) {
    const [sparse, dense, centre, scale] = arrays as [Int32Array, Int32Array, Float32Array, Float32Array];
    const [keys, thresholds] = arrays.slice(4) as [Int32Array, Int32Array];
    return { layout, columns, flags: { keys, thresholds }, sparse, dense, centre, scale };
  },
};
