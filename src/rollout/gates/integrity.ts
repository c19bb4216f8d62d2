import {
  asTitrateError,
  TitrateError,
  type GateVerdict,
  type ModelCard,
  type ModelVersion,
} from '../../contracts';
import { sha256 } from '../../foundation';
import type { ObjectStore } from '../../objects/object-store';
import type { CardSigner } from '../signing';

/**
 * Whether card, weights and training set still are the bytes that were registered, and, where a key is configured, whether the
 * card bears its signature.
 */
export async function integrityGate(
  objects: Pick<ObjectStore, 'get'>,
  version: ModelVersion,
  card: ModelCard,
  signer: CardSigner | null,
): Promise<GateVerdict> {
  const verdict = (passed: boolean, evidence: string): GateVerdict => ({
    gate: 'integrity',
    passed,
    evidence,
  });
  const parts = { card: version.card, weights: card.weights, 'training set': card.training };
  try {
    for (const [name, ref] of Object.entries(parts)) {
      const found = sha256(await objects.get(ref));
      if (found !== ref.sha256)
        throw new TitrateError('artifact-corrupt', {
          what: `the ${name} has sha256 ${found}, registered was ${ref.sha256}`,
        });
    }
    if (!signer)
      return verdict(
        true,
        `Card, weights and training set are the 3 artifacts registered as ${version.id}; no key is configured.`,
      );
    const { keyId } = await signer.verify(version);
    return verdict(
      true,
      `Card, weights and training set are the 3 artifacts registered as ${version.id}, signed by key ${keyId}.`,
    );
  } catch (thrown) {
    const error = asTitrateError(thrown);
    // A store that cannot be reached says nothing about the model.
    if (error.code === 'unavailable') throw error;
    return verdict(false, `${version.id} is not as it was registered: ${error.message}`);
  }
}
