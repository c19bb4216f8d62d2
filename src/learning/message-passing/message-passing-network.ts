import type { MessagePassingEnsembleSettings } from '../../contracts';
import type { NetworkKind } from '../ensemble';
import { encodeGraphs, learnEncoding, type GraphEncoding } from './encoding';
import { moleculeBatch } from './network';
import { messagePassingPlan } from './plan';
import { initialParameters } from './shape';

/** The directed message-passing network as member threads train it. */
export const messagePassingNetwork: NetworkKind<MessagePassingEnsembleSettings, GraphEncoding> = {
  ...messagePassingPlan,
  learnEncoding,

  encode(settings, features, encoding) {
    const graphs = encodeGraphs(features, encoding);
    return {
      rows: graphs.rows,
      initialParameters: (layer, random) =>
        initialParameters({ ...settings, descriptors: encoding.kept.length }, layer, random),
      batch: (rows) => moleculeBatch(graphs, rows, settings.depth),
    };
  },
};
