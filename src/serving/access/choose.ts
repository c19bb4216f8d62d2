import { isIP } from 'node:net';
import { TitrateError } from '../../contracts';
import { createKeyAuthenticator, readApiKeys, type ApiKey } from './api-keys';
import { createOidcAuthenticator } from './oidc';
import type { Authenticator } from './principal';

/** The setting `inference.auth`. */
export interface AuthSettings {
  /** Left out: `off` on a loopback address, and refused on any other. */
  readonly mode?: 'off' | 'keys' | 'oidc';
  readonly keysFile?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly scopeClaim?: string;
}

export const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/**
 * Who answers for callers on this host.
 * @param keysText keys that stand in the environment instead of a file
 * @returns null when nobody is asked who they are
 * @throws TitrateError config-invalid when a host that others can reach would be open without anybody having said so, or a part is missing
 */
export function chooseAuthenticator(
  host: string,
  { mode, keysFile, issuer, audience, scopeClaim }: AuthSettings,
  keysText: string | undefined = process.env.TITRATE_INFERENCE_KEYS,
): Authenticator | null {
  const chosen = mode ?? (keysFile || keysText ? 'keys' : issuer ? 'oidc' : undefined);
  if (chosen === undefined) {
    if (isLoopback(host)) return null;
    throw new TitrateError('config-invalid', {
      what: `on ${host} anybody who reaches this machine could ask for predictions, and no authentication is set`,
      where: 'inference.auth',
      remedy:
        "Give API keys (inference.auth.keysFile, TITRATE_INFERENCE_KEYS) or an issuer (inference.auth.issuer), or say 'off' (inference.auth.mode, TITRATE_INFERENCE_AUTH=off, --auth off) where something else guards it",
    });
  }
  if (chosen === 'off') return null;
  if (chosen === 'keys') {
    const keys: ApiKey[] = [
      ...(keysFile ? readApiKeys({ file: keysFile }) : []),
      ...(keysText ? readApiKeys({ text: keysText }) : []),
    ];
    if (keys.length) return createKeyAuthenticator(keys);
    throw lacking(
      "inference.auth.mode is 'keys' and there are none",
      'Give inference.auth.keysFile or TITRATE_INFERENCE_KEYS',
    );
  }
  if (!issuer || !audience)
    throw lacking("inference.auth.mode is 'oidc'", 'Give inference.auth.issuer and inference.auth.audience');
  return createOidcAuthenticator({ issuer, audience, scopeClaim });
}

const lacking = (what: string, remedy: string) =>
  new TitrateError('config-invalid', { what, where: 'inference.auth', remedy });
