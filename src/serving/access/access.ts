import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TitrateError } from '../../contracts';
import { HttpProblem } from '../problems';
import {
  mayDo,
  SCOPES,
  type Authenticator,
  type CallerLimits,
  type Principal,
  type Scope,
} from './principal';
import { Rates } from './rates';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs for this route; `open` asks nobody. Left out: `read`. */
    readonly scope?: Scope | 'open';
    /** Asked for by other processes of this installation, and by nobody else unless he proves who he is. */
    readonly internal?: boolean;
  }
  interface FastifyRequest {
    /** Who asks; null on a route that is open. */
    caller: Principal | null;
  }
}

export interface AccessOptions {
  /** Null lets everybody do everything. */
  readonly authenticator: Authenticator | null;
  /**
   * Knows the other processes of this installation, beside the callers. Where it is given, routes between processes are closed to
   * anybody else, also when nobody is asked who he is.
   */
  readonly internal?: Authenticator | null;
  /** Of callers that have none of their own; without authentication, by address. */
  readonly limits?: CallerLimits;
}

/** Who may ask for what, and how much: decided before a body is read. */
export interface Access {
  readonly rates: Rates;
  callerOf(request: FastifyRequest): Principal;
}

const ALL: ReadonlySet<Scope> = new Set(SCOPES);

export function addAccess(app: FastifyInstance, options: AccessOptions): Access {
  const { authenticator, internal = null, limits = {} } = options;
  const rates = new Rates();
  app.decorateRequest('caller', null);

  app.addHook('onRequest', async (request) => {
    const { scope: needed = 'read', internal: isInternal } = request.routeOptions.config;
    if (needed === 'open') return;
    const asked = authenticator ?? (isInternal ? internal : null);
    const caller =
      (await internalCaller(internal, request)) ??
      (asked ? await identify(asked, request, limits) : { name: request.ip, scopes: ALL, limits });
    if (!mayDo(caller, needed)) {
      const error = new TitrateError('forbidden', {
        what: `${caller.name} may not ${needed} here`,
        where: request.routeOptions.url,
        remedy: `Ask for the scope '${needed}'`,
      });
      throw new HttpProblem(error.status, error);
    }
    request.caller = caller;
    await rates.request(caller);
  });

  return {
    rates,
    callerOf: (request) => request.caller!,
  };
}

function credentialOf({ headers }: FastifyRequest): string | undefined {
  const { authorization, 'x-api-key': key } = headers;
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return bearer ?? (typeof key === 'string' ? key : undefined);
}

async function internalCaller(
  internal: Authenticator | null,
  request: FastifyRequest,
): Promise<Principal | null> {
  const credential = credentialOf(request);
  return internal && credential !== undefined ? internal.authenticate(credential) : null;
}

async function identify(
  authenticator: Authenticator,
  request: FastifyRequest,
  limits: CallerLimits,
): Promise<Principal> {
  const credential = credentialOf(request);
  const found = credential === undefined ? null : await authenticator.authenticate(credential);
  if (found) return { ...found, limits: { ...limits, ...definedOf(found.limits) } };
  const error = new TitrateError('unauthenticated', {
    what: credential === undefined ? 'the request has no credential' : 'the credential is not valid here',
    remedy: "Send 'authorization: Bearer KEY' with an API key or a token that is still valid",
  });
  throw new HttpProblem(error.status, error);
}

const definedOf = (limits: CallerLimits): CallerLimits =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
