import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { TitrateError } from '../../contracts';
import { SCOPES, type Authenticator, type CallerLimits, type Scope } from './principal';

export interface OidcOptions {
  /** As it stands in the tokens' `iss`; its discovery document is at `ISSUER/.well-known/openid-configuration`. */
  readonly issuer: string;
  /** As it must stand in the tokens' `aud`. */
  readonly audience: string;
  /** Claim with the scopes: a text of words, or a list. Default `scope`. A word may end in the scope: `titrate:predict`, `api/predict`. */
  readonly scopeClaim?: string;
  readonly limits?: CallerLimits;
  /** How long the issuer's keys are used before they are fetched again, milliseconds. Default 10 minutes. */
  readonly keysMaxAgeMs?: number;
}

/** Signatures by a secret are not accepted: whoever can check them can make them. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const KEYS_MAX_AGE_MS = 10 * 60_000;
/** A key that is not known has the keys fetched again, but not more often, milliseconds. */
const COOLDOWN_MS = 5000;
const DISCOVERY_TIMEOUT_MS = 5000;
const CLOCK_TOLERANCE_SECONDS = 30;

/** Bearer tokens (JWT) of an OpenID Connect issuer: signature by its published keys, issuer, audience, times. */
export function createOidcAuthenticator(options: OidcOptions): Authenticator {
  const { issuer, audience, scopeClaim = 'scope', limits = {} } = options;
  let keys: Promise<JWTVerifyGetKey> | null = null;

  const discover = async (): Promise<JWTVerifyGetKey> => {
    const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(at, { signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS) });
    const { jwks_uri: uri } = (await response.json()) as { jwks_uri?: string };
    if (!response.ok || !uri) throw new Error(`${at} answers ${response.status} without a jwks_uri`);
    return createRemoteJWKSet(new URL(uri), {
      cacheMaxAge: options.keysMaxAgeMs ?? KEYS_MAX_AGE_MS,
      cooldownDuration: COOLDOWN_MS,
      timeoutDuration: DISCOVERY_TIMEOUT_MS,
    });
  };

  return {
    async authenticate(token) {
      let payload: JWTPayload;
      try {
        const known = await (keys ??= discover());
        const how = { issuer, audience, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_SECONDS };
        ({ payload } = await jwtVerify(token, known, { ...how, requiredClaims: ['sub', 'exp'] }));
      } catch (error) {
        if (isOfTheToken(error)) return null;
        keys = null;
        const what = `the token cannot be checked: ${(error as Error).message}`;
        throw new TitrateError('unavailable', { what, where: issuer }, { cause: error });
      }
      return { name: payload.sub!, scopes: scopesOf(payload[scopeClaim]), limits };
    },
  };
}

/** Whether the token is to blame, and not the issuer or the way to it. */
function isOfTheToken(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false;
  // jose throws its base class where the keys cannot be fetched.
  return error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC';
}

function scopesOf(claim: unknown): ReadonlySet<Scope> {
  const words = Array.isArray(claim)
    ? claim.map(String)
    : typeof claim === 'string'
      ? claim.split(/\s+/)
      : [];
  const last = words.map((word) => word.split(/[:/.]/).at(-1)!);
  return new Set(SCOPES.filter((scope) => last.includes(scope)));
}
