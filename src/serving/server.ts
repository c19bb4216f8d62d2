import fastify, { type FastifyInstance } from 'fastify';
import { moleculeCapsSchema, TitrateError, type MoleculeCaps } from '../contracts';
import type { Chemistry } from '../chemistry/chemistry';
import { release } from '../foundation';
import type { Learning } from '../learning/learning';
import type { ObjectStore } from '../objects/object-store';
import type { PointerLog } from '../objects/pointers';
import { addAccess, type AccessOptions } from './access';
import { Admission } from './admission';
import { Batcher } from './batcher';
import { desiredByPointers, type Desired, type ModelCatalogue } from './catalogue';
import { expose } from './exposition';
import { Inference } from './inference';
import { LiveModels } from './live-models';
import { silentLogger, type ServingLogger } from './logger';
import { createServingMetrics, type ServingMetrics } from './metrics';
import { ModelCache } from './model-cache';
import { sendProblem, toProblem } from './problems';
import { PredictionLog, type PredictionLogOptions } from './prediction-log';
import { predictWith } from './predictor';
import { PreparedMolecules } from './prepared-molecules';
import { traceRequests } from './request-tracing';
import { addServerRoutes } from './routes';
import { acceptBodies } from './bodies';
import { createTraffic, type TrafficOptions } from './traffic';
import { TurningAway } from './turning-away';

export interface InferenceServerOptions {
  readonly registry: ModelCatalogue;
  readonly objects: Pick<ObjectStore, 'get'>;
  readonly pointers: PointerLog;
  readonly chemistry: Chemistry;
  readonly learning: Learning;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger?: ServingLogger;
  readonly caps?: MoleculeCaps;
  /** Time between two looks at the serving pointers, milliseconds. Default 1,000. */
  readonly pollMs?: number;
  /** How long a model that no longer serves stays loaded, milliseconds. Default 15 minutes. */
  readonly retainMs?: number;
  /** Default 1,000. */
  readonly maxMoleculesPerRequest?: number;
  /** Molecules in work or waiting, over all requests; more are answered 429. Default 10,000. */
  readonly maxMoleculesInFlight?: number;
  /** The queue is kept as short as makes what was let in answered in this time, milliseconds. Default 1,000. */
  readonly maxWaitMs?: number;
  /** Molecules that are worked on together. Default 32. */
  readonly maxBatch?: number;
  /** Of what is kept of molecules asked for. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Longest time that an answer may take, milliseconds; requests may ask for less. Default 30,000. */
  readonly timeoutMs?: number;
  /** Who may ask for what. Default: everybody, for everything. */
  readonly access?: AccessOptions;
  /** What `/metrics` asks of its reader. Default: nothing. */
  readonly metricsScope?: 'open' | 'read';
  /** Text of further metrics of the process, which `/metrics` ends with. Default: none. */
  readonly processMetrics?: () => Promise<string>;
  /** A sample of what is predicted. Default: none is kept. */
  readonly predictionLog?: Omit<PredictionLogOptions, 'chemistry' | 'logger' | 'onRecords'>;
  /** What should answer for a campaign. Default: what the pointers `serving/<campaign>` say. */
  readonly desired?: (campaignId: string) => Promise<Desired | null>;
  /** Bytes. Default 2 MiB: a thousand SMILES at the cap of a thousand characters, and their JSON. */
  readonly bodyLimit?: number;
  /** How long `close` waits for requests under way before it cuts them off, milliseconds. Default 20,000. */
  readonly drainMs?: number;
  /** Share of the requests without a trace of their own that are traced. Left out: no request is, whatever it brings. */
  readonly traceShare?: number;
  /** How candidates are tried beside what serves. Left out: none is. */
  readonly traffic?: TrafficOptions;
}

export interface InferenceServer {
  /** Listens. @returns the base address. @throws TitrateError port-taken */
  start(): Promise<string>;
  /** Resolves when every version that was desired at the start is loaded or could not be. From then on `/v2/health/ready` is 200. */
  whenReady(): Promise<void>;
  /** Refuses what is new, finishes what is under way, unloads the models. The ports stay open: they are the caller's. */
  close(): Promise<void>;
}

/** A connection on which nothing moves for so long is cut, milliseconds. */
const IDLE_CONNECTION_MS = 120_000;
/** While draining, milliseconds. */
const IDLE_CHECK_MS = 20;
/** A campaign id has at most 100 characters, each of three bytes when percent-encoded. */
const MAX_PARAM_LENGTH = 300;

/**
 * The inference server: HTTP, Open Inference Protocol v2 and molecule endpoints. It starts with whatever is live, models or
 * none, follows the pointers `serving/<campaign>`, and changes models under load without refusing a request.
 */
export function createInferenceServer(options: InferenceServerOptions): InferenceServer {
  const { registry, pointers, host, port, logger = silentLogger, bodyLimit = 2 * 1024 * 1024 } = options;
  const metrics = createServingMetrics();
  const caps = options.caps ?? moleculeCapsSchema.parse({});
  const prepared = new PreparedMolecules({
    chemistry: options.chemistry,
    caps,
    maxBytes: options.cacheBytes ?? 64 * 1024 * 1024,
    onLookup: (kind, hits, misses) => {
      metrics.cacheLookups.inc({ kind, outcome: 'hit' }, hits);
      metrics.cacheLookups.inc({ kind, outcome: 'miss' }, misses);
    },
  });
  const cache = new ModelCache(
    { ...options, caps, prepared },
    {
      retainMs: options.retainMs,
      onLoad: (version, seconds) => {
        metrics.loads.observe(seconds);
        logger.info({ version: version.id, seconds }, 'model loaded');
      },
      onUnload: (version) => logger.info({ version: version.id }, 'model unloaded'),
    },
  );
  const live = new LiveModels({
    registry,
    desired: options.desired ?? desiredByPointers(pointers),
    cache,
    logger,
    pollMs: options.pollMs ?? 1000,
  });
  const admission = new Admission({
    maxMolecules: options.maxMoleculesInFlight ?? 10_000,
    maxWaitMs: options.maxWaitMs ?? 1000,
  });
  const batcher = new Batcher({
    predict: (version, smiles, signal) => predictWith(cache, version, smiles, signal),
    maxBatch: options.maxBatch ?? 32,
    onBatch: (molecules, waitedMs) => {
      metrics.batchSize.observe(molecules);
      for (const ms of waitedMs) metrics.queueWait.observe(ms / 1000);
    },
  });
  const log = options.predictionLog
    ? new PredictionLog({
        ...options.predictionLog,
        chemistry: options.chemistry,
        logger,
        onRecords: (outcome, count) => metrics.logRecords.inc({ outcome }, count),
      })
    : null;

  const traffic = createTraffic(
    {
      registry,
      pointers,
      logger,
      metrics: metrics.registry,
      pollMs: options.pollMs ?? 1000,
      bodyLimit,
      live: () => live.all().flatMap((status) => status.live ?? []),
    },
    options.traffic,
  );

  let ready: Promise<void> | undefined;
  let isReady = false;
  let closing: Promise<void> | undefined;

  const app = fastify({
    logger: false,
    bodyLimit,
    // Bodies of unknown length stream for as long as they move; those that are read whole have a time of their own.
    requestTimeout: 0,
    connectionTimeout: IDLE_CONNECTION_MS,
    forceCloseConnections: 'idle',
    // What has arrived is answered, also while draining.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
  });
  acceptBodies(app);
  if (options.traceShare !== undefined) traceRequests(app, options.traceShare);
  observe(app, metrics, logger, bodyLimit);
  const access = addAccess(app, options.access ?? { authenticator: null });
  const inference = new Inference({
    ...{ registry, live, batcher, admission, metrics, log },
    rates: access.rates,
    maxMolecules: options.maxMoleculesPerRequest ?? 1000,
  });
  // Answers given while draining end their connection, so that clients go elsewhere.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done(null, payload);
  });
  traffic.attach(app, access);
  const routes = addServerRoutes(app, {
    ...{ registry, live, cache, inference, access, admission, metrics, release, traffic },
    exposition: () =>
      expose({ metrics, cache, live, admission, batcher, prepared, process: options.processMetrics }),
    timeoutMs: options.timeoutMs ?? 30_000,
    metricsScope: options.metricsScope ?? 'open',
    isReady: () => isReady && !closing,
  });
  const refusable = routes.filter(({ refusedWhenFull }) => refusedWhenFull);
  new TurningAway({ admission, metrics, bodyLimit }, refusable).guard(
    app.server,
    () => closing !== undefined,
  );

  return {
    async start() {
      try {
        await app.listen({ host, port });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
        throw new TitrateError(
          'port-taken',
          {
            what: `port ${port} is taken by another program`,
            where: `${host}:${port}`,
            remedy:
              'Stop that program, or choose another port with inference.port in titrate.yaml or TITRATE_INFERENCE_PORT',
          },
          { cause },
        );
      }
      ready = live.start().then(() => {
        isReady = true;
      });
      await traffic.start();
      const address = app.server.address();
      const bound = address !== null && typeof address === 'object' ? address.port : port;
      return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
    },

    async whenReady() {
      await ready;
    },

    close() {
      closing ??= (async () => {
        logger.info({}, 'draining');
        const watch = live.stop();
        const cut = setTimeout(() => {
          logger.warn({}, 'cutting off requests that outlast the drain');
          app.server.closeAllConnections();
        }, options.drainMs ?? 20_000);
        // A kept-alive connection falls idle when its answer is out, and would hold the server open until it times out.
        const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
        try {
          await app.close();
        } finally {
          clearTimeout(cut);
          clearInterval(idle);
        }
        await Promise.all([watch, traffic.stop()]);
        await log?.close();
        await cache.close();
      })();
      return closing;
    },
  };
}

/** Errors as problem+json, and every answer counted. */
function observe(
  app: FastifyInstance,
  metrics: ServingMetrics,
  logger: ServingLogger,
  bodyLimit: number,
): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.url, bodyLimit);
    metrics.errors.inc({ code: problem.code });
    const fields = {
      method: request.method,
      url: request.url,
      status: problem.status,
      code: problem.code,
      error: problem.detail,
    };
    if (problem.status >= 500) logger.error({ ...fields, err: error }, 'request failed');
    else logger.debug(fields, 'request refused');
    return sendProblem(reply, problem);
  });

  app.setNotFoundHandler((request, reply) => {
    const error = new TitrateError('not-found', {
      what: `there is no ${request.method} ${request.url} here`,
      remedy:
        'Try GET /models, POST /predict, GET /v2, POST /v2/models/NAME/infer, GET /metrics, GET /openapi.json',
    });
    metrics.errors.inc({ code: error.code });
    return sendProblem(reply, toProblem(error, request.url, bodyLimit));
  });

  app.addHook('onResponse', (request, reply, done) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none' };
    // An answer that nobody took is the client's going away, whatever status had been meant for it.
    const status = reply.raw.writableFinished ? reply.statusCode : 499;
    metrics.requests.inc({ ...labels, status });
    metrics.latency.observe(labels, reply.elapsedTime / 1000);
    done();
  });
}
