import { TitrateError, type ModelFamily } from '../../contracts';
import { messagePassingNetwork } from '../message-passing/message-passing-network';
import { mlpNetwork } from '../mlp-ensemble/mlp-network';
import type { NetworkKind } from './network-kind';

/** The kinds of network a member thread can train, by family. */
const kinds: readonly NetworkKind[] = [mlpNetwork, messagePassingNetwork];

/** @throws internal for a family that is no ensemble of networks */
export function networkKind(family: ModelFamily): NetworkKind {
  const kind = kinds.find((candidate) => candidate.family === family);
  if (kind) return kind;
  throw new TitrateError('internal', { what: `No network belongs to the family '${family}'` });
}
