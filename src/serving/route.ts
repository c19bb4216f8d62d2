import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { z } from 'zod';
import { asTitrateError, parseWith } from '../contracts';
import type { Access } from './access';
import type { Admission } from './admission';
import type { ModelCatalogue } from './catalogue';
import type { Inference } from './inference';
import type { LiveModels } from './live-models';
import type { ServingMetrics } from './metrics';
import type { ModelCache } from './model-cache';
import type { RouteDescription } from './openapi';
import type { NamedPredictions } from './predictor';
import { HttpProblem } from './problems';
import type { Traffic } from './traffic';

/** What the routes answer from. */
export interface RouteParts {
  readonly registry: ModelCatalogue;
  readonly live: LiveModels;
  readonly cache: ModelCache;
  readonly inference: Inference;
  readonly access: Access;
  readonly admission: Admission;
  readonly metrics: ServingMetrics;
  readonly traffic: Pick<Traffic, 'stream'>;
  /** Renders what is counted. */
  readonly exposition: () => Promise<{ readonly type: string; readonly text: string }>;
  /** Version of this program. */
  readonly release: string;
  /** Longest time that an answer may take, milliseconds. */
  readonly timeoutMs: number;
  /** What `/metrics` asks of its reader. */
  readonly metricsScope: 'open' | 'read';
  /** False before the first look at the pointers is done, and while draining. */
  readonly isReady: () => boolean;
}

/** A route: what it is for readers, and what it does. */
export interface Route extends RouteDescription {
  readonly handler: RouteHandlerMethod;
  /** Whether a full queue refuses it before its body is read. */
  readonly refusedWhenFull?: boolean;
}

export function addRoutes(app: FastifyInstance, routes: readonly Route[], admission: Admission): void {
  for (const { method, url, scope, handler, refusedWhenFull } of routes) {
    const onRequest = refusedWhenFull ? { onRequest: async () => admission.check() } : {};
    app.route({ method, url, handler, config: { scope }, ...onRequest });
  }
}

/** Something sent against its schema: 422 with every problem and its place. */
export function readAs<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  try {
    return parseWith(schema, value, where, 'usage');
  } catch (error) {
    throw new HttpProblem(422, asTitrateError(error));
  }
}

export const namingTheModel = (reply: FastifyReply, { model, version }: NamedPredictions) =>
  reply.header('x-titrate-model', `${model}/${version}`);

/** The parameters of a path under `/v2/models`. */
export const modelParams = (request: FastifyRequest) => request.params as { name: string; version?: string };
