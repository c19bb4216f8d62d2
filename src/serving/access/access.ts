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
  }
}

export interface AccessOptions {
  /** Null lets everybody do everything. */
  readonly authenticator: Authenticator | null;
  /** Of callers that have none of their own; without authentication, by address. */
  readonly limits?: CallerLimits;
}

/** Who may ask for what, and how much: decided before a body is read. */
export interface Access {
  readonly rates: Rates;
  callerOf(request: FastifyRequest): Principal;
}

const ALL: ReadonlySet<Scope> = new Set(SCOPES);

export function addAccess(app: FastifyInstance, { authenticator, limits = {} }: AccessOptions): Access {
  const callers = new WeakMap<FastifyRequest, Principal>();
  const rates = new Rates();

  app.addHook('onRequest', async (request) => {
    const needed = request.routeOptions.config.scope ?? 'read';
    if (needed === 'open') return;
    const caller = authenticator
      ? await identify(authenticator, request, limits)
      : { name: request.ip, scopes: ALL, limits };
    if (!mayDo(caller, needed)) {
      const error = new TitrateError('forbidden', {
        what: `${caller.name} may not ${needed} here`,
        where: request.routeOptions.url,
        remedy: `Ask for the scope '${needed}'`,
      });
      throw new HttpProblem(error.status, error);
    }
    callers.set(request, caller);
    await rates.request(caller);
  });

  return {
    rates,
    callerOf: (request) => callers.get(request)!,
  };
}

async function identify(
  authenticator: Authenticator,
  request: FastifyRequest,
  limits: CallerLimits,
): Promise<Principal> {
  const { authorization, 'x-api-key': key } = request.headers;
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  const credential = bearer ?? (typeof key === 'string' ? key : undefined);
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
