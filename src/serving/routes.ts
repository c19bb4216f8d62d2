import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { asTitrateError, modelVersionId, parseWith } from '../contracts';
import type { ModelRegistry } from '../tracking/registry';
import { HttpProblem } from './problems';
import type { Inference } from './inference';
import type { LiveModels, LiveModelStatus } from './live-models';
import type { ServingMetrics } from './metrics';
import type { ModelCache } from './model-cache';
import { checkOutputs, inferRequestSchema, inferResponse, modelMetadata, smilesTensor } from './protocol';
import { versionLabel, type NamedPredictions } from './predictor';

export interface RouteOptions {
  readonly registry: ModelRegistry;
  readonly live: LiveModels;
  readonly cache: ModelCache;
  readonly inference: Inference;
  readonly metrics: ServingMetrics;
  /** Version of this program. */
  readonly release: string;
  /** False before the first look at the pointers is done, and while draining. */
  readonly isReady: () => boolean;
}

type ModelParams = { name: string; version?: string };

const predictRequestSchema = z.strictObject({
  model: z.string().min(1).optional(),
  smiles: z.array(z.unknown()),
});

/** Health, metadata and inference of the Open Inference Protocol v2. Model name = campaign id, version = `v3` or `3`. */
export function addProtocolRoutes(app: FastifyInstance, options: RouteOptions): void {
  const { registry, live, cache, inference } = options;

  app.get('/v2', () => ({ name: 'titrate', version: options.release, extensions: ['titrate_predict'] }));
  app.get('/v2/health/live', () => ({ live: true }));
  app.get('/v2/health/ready', (_request, reply) => {
    const ready = options.isReady();
    return reply.code(ready ? 200 : 503).send({ live: true, ready });
  });

  const metadata = async ({ name, version }: ModelParams) => {
    const status = await inference.campaign(name);
    const versions = await registry.versions(name);
    const told =
      version === undefined ? (status.live ?? versions.at(-1)!) : await inference.versionFor(name, version);
    const card = await registry.card(told);
    return modelMetadata(name, versions.map(versionLabel), card, status.live && versionLabel(status.live));
  };
  app.get<{ Params: ModelParams }>('/v2/models/:name', ({ params }) => metadata(params));
  app.get<{ Params: ModelParams }>('/v2/models/:name/versions/:version', ({ params }) => metadata(params));

  /** Reads the pointer again first, so that a deployer's question is also the word that there is something new. */
  const readiness = async ({ name, version }: ModelParams, reply: FastifyReply) => {
    await inference.campaign(name);
    const asked = version === undefined ? null : await inference.versionFor(name, version);
    const status = await live.refresh(name);
    const told = asked ?? status.live;
    const ready = told !== null && cache.isLoaded(told.id);
    const failure = told === null || status.failure?.version === told.id ? status.failure : null;
    return reply.code(ready ? 200 : 503).send({
      name,
      version: told && versionLabel(told),
      ready,
      live: status.live && versionLabel(status.live),
      failure,
    });
  };
  app.get<{ Params: ModelParams }>('/v2/models/:name/ready', ({ params }, reply) => readiness(params, reply));
  app.get<{ Params: ModelParams }>('/v2/models/:name/versions/:version/ready', ({ params }, reply) =>
    readiness(params, reply),
  );

  const infer = async ({ name, version }: ModelParams, body: unknown, reply: FastifyReply) => {
    const request = readBody(inferRequestSchema, body, 'inference request');
    const smiles = inference.molecules(smilesTensor(request), 'inputs.smiles.data');
    checkOutputs(request);
    const answer = await inference.predict(
      await inference.versionFor(name, version),
      smiles,
      goneAway(reply),
    );
    return namingTheModel(reply, answer).send(inferResponse(request, answer));
  };
  app.post<{ Params: ModelParams }>('/v2/models/:name/infer', ({ params, body }, reply) =>
    infer(params, body, reply),
  );
  app.post<{ Params: ModelParams }>('/v2/models/:name/versions/:version/infer', ({ params, body }, reply) =>
    infer(params, body, reply),
  );
}

/** `POST /predict` in a chemist's words, `GET /models`, `GET /metrics`. */
export function addMoleculeRoutes(app: FastifyInstance, options: RouteOptions): void {
  const { registry, live, cache, inference, metrics } = options;

  app.post('/predict', async ({ body }, reply) => {
    const { model, smiles } = readBody(predictRequestSchema, body, 'prediction request');
    const molecules = inference.molecules(smiles, 'smiles');
    const answer = await inference.predict(await inference.versionNamed(model), molecules, goneAway(reply));
    return namingTheModel(reply, answer).send(answer);
  });

  app.get('/models', async () => {
    const models = live.all();
    return {
      models: await Promise.all(models.map((status) => describeModel(status, registry, cache))),
    };
  });

  app.get('/metrics', async (_request, reply) => {
    metrics.loadedModels.set(cache.loaded().length);
    metrics.liveModel.reset();
    metrics.loadFailing.reset();
    for (const { campaignId, live: version, failure } of live.all()) {
      if (version) metrics.liveModel.set({ model: campaignId, version: versionLabel(version) }, 1);
      metrics.loadFailing.set({ model: campaignId }, failure ? 1 : 0);
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

async function describeModel(status: LiveModelStatus, registry: ModelRegistry, cache: ModelCache) {
  const { campaignId, desired, loading, failure } = status;
  const versions = await registry.versions(campaignId);
  const loaded = cache.loaded().filter(({ card }) => card.campaignId === campaignId);
  const serving = loaded.find(({ version }) => version.id === status.live?.id);
  return {
    model: campaignId,
    property: serving?.card.property ?? null,
    unit: serving?.card.unit ?? null,
    live: status.live?.id ?? null,
    desired,
    loading,
    loaded: loaded.map(({ version }) => version.id),
    registered: versions.length,
    latest: versions.length ? modelVersionId(campaignId, versions.at(-1)!.number) : null,
    failure,
    warnings: serving?.warnings ?? [],
  };
}

/** The body against its schema: 422 with every problem and its place. */
function readBody<S extends z.ZodType>(schema: S, body: unknown, where: string): z.output<S> {
  try {
    return parseWith(schema, body, where, 'usage');
  } catch (error) {
    throw new HttpProblem(422, asTitrateError(error));
  }
}

const namingTheModel = (reply: FastifyReply, { model, version }: NamedPredictions) =>
  reply.header('x-titrate-model', `${model}/${version}`);

/** Fires when the client hangs up before it has its answer: nobody waits for the prediction any more. */
function goneAway(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
