import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import { TitrateError, type ModelVersion } from '../contracts';
import { sha256 } from '../foundation';
import type { ObjectStore } from '../objects/object-store';

interface Signature {
  readonly version: string;
  /** sha256 of the card, which names weights and training set by theirs. */
  readonly card: string;
  readonly algorithm: 'ed25519' | 'hmac-sha256';
  readonly keyId: string;
  /** base64 */
  readonly signature: string;
}

/** Signs what is registered, and says whether what is to serve was signed. */
export interface CardSigner {
  /** Once a version. @throws TitrateError config-invalid where only a public key is configured */
  sign(version: ModelVersion): Promise<void>;
  /** @throws TitrateError contradiction when it bears no signature of this key, or a wrong one */
  verify(version: ModelVersion): Promise<{ keyId: string }>;
}

const PEM = /-----BEGIN [A-Z ]*(PRIVATE|PUBLIC) KEY-----/;
const LEAST_SECRET = 32;

/**
 * @param key PEM of an Ed25519 key (a private one signs and verifies, a public one verifies), or a secret of at least 32 characters
 * for HMAC-SHA256
 * @throws TitrateError config-invalid for anything else
 */
export function createCardSigner(objects: ObjectStore, key: string): CardSigner {
  const { algorithm, keyId, make, check } = methodOf(key);
  const record = ({ id }: ModelVersion) => `signatures/${id}/${keyId}`;
  const messageOf = ({ id, card }: ModelVersion) => Buffer.from(`titrate model ${id} ${card.sha256}`);

  return {
    async sign(version) {
      if (!make)
        throw new TitrateError('config-invalid', {
          what: 'the key is a public one, which cannot sign',
          where: 'signing key',
        });
      const signature: Signature = {
        ...{ version: version.id, card: version.card.sha256, algorithm, keyId },
        signature: make(messageOf(version)).toString('base64'),
      };
      await objects.createRecord(record(version), Buffer.from(JSON.stringify(signature)));
    },
    async verify(version) {
      const bytes = await objects.readRecord(record(version));
      const refused = (what: string) =>
        new TitrateError('contradiction', {
          what,
          where: version.id,
          remedy: 'Register the model anew with the key, or look into who changed it',
        });
      if (!bytes) throw refused(`it bears no signature by key ${keyId}`);
      let stored: Signature;
      try {
        stored = JSON.parse(bytes.toString('utf8')) as Signature;
      } catch {
        throw refused('its signature cannot be read');
      }
      if (!check(messageOf(version), Buffer.from(String(stored.signature), 'base64')))
        throw refused(`its signature by key ${keyId} is wrong`);
      return { keyId };
    },
  };
}

interface Method {
  readonly algorithm: Signature['algorithm'];
  readonly keyId: string;
  readonly make: ((message: Buffer) => Buffer) | null;
  readonly check: (message: Buffer, signature: Buffer) => boolean;
}

function methodOf(key: string): Method {
  const pem = PEM.exec(key);
  if (!pem) return hmac(key);
  let own: KeyObject | null;
  let shared: KeyObject;
  try {
    own = pem[1] === 'PRIVATE' ? createPrivateKey(key) : null;
    shared = createPublicKey(key);
  } catch (cause) {
    throw new TitrateError(
      'config-invalid',
      { what: `the key cannot be read: ${(cause as Error).message}`, where: 'signing key' },
      { cause },
    );
  }
  if (shared.asymmetricKeyType !== 'ed25519')
    throw new TitrateError('config-invalid', {
      what: `the key is of type ${shared.asymmetricKeyType}, expected ed25519`,
      where: 'signing key',
    });
  const keyId = sha256(shared.export({ type: 'spki', format: 'der' })).slice(0, 16);
  return {
    algorithm: 'ed25519',
    keyId,
    make: own && ((message) => sign(null, message, own)),
    check: (message, signature) => verify(null, message, shared, signature),
  };
}

function hmac(secret: string): Method {
  if (secret.length < LEAST_SECRET)
    throw new TitrateError('config-invalid', {
      what: `the key has ${secret.length} characters; expected an Ed25519 key as PEM, or a secret of at least ${LEAST_SECRET}`,
      where: 'signing key',
    });
  const make = (message: Buffer) => createHmac('sha256', secret).update(message).digest();
  return {
    algorithm: 'hmac-sha256',
    keyId: `hmac-${sha256(`key id of ${secret}`).slice(0, 12)}`,
    make,
    check: (message, signature) => signature.length === 32 && timingSafeEqual(make(message), signature),
  };
}
