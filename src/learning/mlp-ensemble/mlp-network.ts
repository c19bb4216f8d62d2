import type { MlpEnsembleSettings } from '../../contracts';
import type { NetworkKind } from '../ensemble';
import { encodeRows, inputLength, learnEncoding, takeRows, type InputEncoding } from './inputs';
import { backward, batchTensors, forward } from './network';
import { mlpPlan } from './plan';
import { initialParameters } from './shape';

/** The multilayer perceptron as member threads train it. */
export const mlpNetwork: NetworkKind<MlpEnsembleSettings, InputEncoding> = {
  ...mlpPlan,
  learnEncoding,

  encode({ hidden }, features, encoding) {
    const encoded = encodeRows(features, encoding);
    const sparse = encoding.sparse.length;
    return {
      rows: encoded.rows,

      initialParameters: (layer, random) =>
        initialParameters(
          { sparse, dense: encoding.dense.length, hidden },
          layer,
          inputLength(encoded),
          random,
        ),

      batch(rows) {
        const input = batchTensors(takeRows(encoded, rows), sparse + 1);
        return {
          forward(parameters, dropout) {
            const masks = dropout && hidden.map((units) => dropout(rows.length, units));
            const pass = forward(parameters, input, masks);
            return {
              outputs: pass.outputs,
              backward: (byOutputs) => backward(parameters, input, pass, byOutputs, masks),
            };
          },
        };
      },
    };
  },
};
