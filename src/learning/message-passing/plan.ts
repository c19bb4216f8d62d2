import { TitrateError, type MessagePassingEnsembleSettings } from '../../contracts';
import type { NetworkPlan } from '../ensemble';
import { ATOM_INPUTS, BOND_INPUTS } from './atom-features';
import type { GraphEncoding } from './encoding';
import { parameterShapes } from './shape';

/** Raise when the inputs of an atom or bond change: a stored model means them. */
const INPUTS_VERSION = 1;

/** Directed message passing along the bonds of molecular graphs, with descriptors beside them. */
export const messagePassingPlan: NetworkPlan<MessagePassingEnsembleSettings, GraphEncoding> = {
  family: 'message-passing-ensemble',
  layouts: ['graph'],

  checkSettings({ messageSize, depth }) {
    const found = Object.entries({ messageSize, depth }).find(
      ([, value]) => !Number.isInteger(value) || value < 1,
    );
    if (!found) return;
    throw new TitrateError('config-invalid', {
      what: `${found[0]} is ${found[1]}; expected an integer from 1`,
      where: 'message-passing-ensemble settings',
    });
  },

  parameterShapes: (settings, { kept }, outputs) =>
    parameterShapes({ ...settings, descriptors: kept.length }, outputs),

  inputs: ({ kept }) => ATOM_INPUTS + BOND_INPUTS + kept.length,

  packEncoding: ({ kept, centre, scale }) => ({
    header: { inputs: INPUTS_VERSION },
    arrays: [kept, centre, scale],
  }),

  unpackEncoding({ header, arrays }, { layout, columns }) {
    if (header['inputs'] !== INPUTS_VERSION) throw new Error(`inputs of version ${String(header['inputs'])}`);
    const [kept, centre, scale] = arrays as [Int32Array, Float32Array, Float32Array];
    return { layout, columns, kept, centre, scale };
  },
};
