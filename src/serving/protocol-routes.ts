import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  healthSchema,
  inferAnswerSchema,
  modelMetadataSchema,
  modelReadySchema,
  serverMetadataSchema,
} from './answers';
import { binaryResponse, JSON_LENGTH_HEADER, readBinaryRequest } from './binary-tensors';
import { versionLabel } from './predictor';
import {
  checkOutputs,
  inferRequestSchema,
  inferResponse,
  modelMetadata,
  smilesTensor,
  timeoutMsOf,
} from './protocol';
import { DEADLINE_HEADER, requestSignal } from './request-signal';
import { modelParams, namingTheModel, readAs, type Route, type RouteParts } from './route';

const EXTENSIONS = ['titrate_predict', 'binary_tensor_data'];
const JSON_AND_BYTES = {
  alsoAs: ['application/octet-stream'],
};

/** Health, metadata and inference of the Open Inference Protocol v2. Model name = campaign id, version = `v3` or `3`. */
export function protocolRoutes(parts: RouteParts): Route[] {
  const { registry, live, cache, inference, access } = parts;

  const metadata = async (request: FastifyRequest) => {
    const { name, version } = modelParams(request);
    const status = await inference.campaign(name);
    const versions = await registry.versions(name);
    const told =
      version === undefined ? (status.live ?? versions.at(-1)!) : await inference.versionFor(name, version);
    const card = await registry.card(told);
    return modelMetadata(name, versions.map(versionLabel), card, status.live && versionLabel(status.live));
  };

  /** Reads the pointer again first, so that a deployer's question is also the word that there is something new. */
  const readiness = async (request: FastifyRequest, reply: FastifyReply) => {
    const { name, version } = modelParams(request);
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

  const infer = async (raw: FastifyRequest, reply: FastifyReply) => {
    const { name, version } = modelParams(raw);
    const jsonLength = raw.headers[JSON_LENGTH_HEADER];
    const body =
      Buffer.isBuffer(raw.body) && typeof jsonLength === 'string'
        ? readBinaryRequest(raw.body, jsonLength)
        : raw.body;
    const request = readAs(inferRequestSchema, body, 'inference request');
    const smiles = inference.molecules(smilesTensor(request), 'inputs.smiles.data');
    checkOutputs(request);
    const caller = access.callerOf(raw);
    const { signal, release } = requestSignal(raw, reply, parts.timeoutMs, timeoutMsOf(request));
    try {
      const answer = await inference.predict(await inference.versionFor(name, version), smiles, {
        caller,
        signal,
      });
      void namingTheModel(reply, answer);
      const response = inferResponse(request, answer);
      const binary = binaryResponse(request, response);
      if (!binary) return await reply.send(response);
      return await reply
        .header(JSON_LENGTH_HEADER, String(binary.jsonLength))
        .type('application/octet-stream')
        .send(binary.body);
    } finally {
      release();
    }
  };
  const inferring = {
    scope: 'predict',
    refusedWhenFull: true,
    headers: {
      [DEADLINE_HEADER]: 'How long the answer may take, milliseconds',
      [JSON_LENGTH_HEADER]: 'Bytes of JSON before binary tensors',
    },
    body: { description: 'Inference request', schema: inferRequestSchema, ...JSON_AND_BYTES },
    answers: { 200: { description: 'Output tensors', schema: inferAnswerSchema, ...JSON_AND_BYTES } },
    handler: infer,
  } as const;
  const described = {
    scope: 'read',
    answers: { 200: { description: 'Metadata of the model', schema: modelMetadataSchema } },
    handler: metadata,
  } as const;
  const ready = {
    scope: 'open',
    answers: {
      200: { description: 'It answers', schema: modelReadySchema },
      503: { description: 'It does not, and why', schema: modelReadySchema },
    },
    handler: readiness,
  } as const;
  const model = '/v2/models/:name';
  const version = `${model}/versions/:version`;

  return [
    {
      ...{ method: 'GET', url: '/v2', id: 'serverMetadata', summary: 'What this server is', scope: 'open' },
      answers: { 200: { description: 'Metadata of the server', schema: serverMetadataSchema } },
      handler: async () => ({ name: 'titrate', version: parts.release, extensions: EXTENSIONS }),
    },
    {
      ...{
        method: 'GET',
        url: '/v2/health/live',
        id: 'serverLive',
        summary: 'Whether it runs',
        scope: 'open',
      },
      answers: { 200: { description: 'It runs', schema: healthSchema } },
      handler: async () => ({ live: true }),
    },
    {
      ...{ method: 'GET', url: '/v2/health/ready', id: 'serverReady', scope: 'open' },
      summary: 'Whether it takes requests',
      answers: {
        200: { description: 'It does', schema: healthSchema },
        503: { description: 'Not yet, or no longer', schema: healthSchema },
      },
      handler: async (_request, reply) => {
        const isReady = parts.isReady();
        return reply.code(isReady ? 200 : 503).send({ live: true, ready: isReady });
      },
    },
    { method: 'GET', url: model, id: 'modelMetadata', summary: 'A model', ...described },
    { method: 'GET', url: version, id: 'modelVersionMetadata', summary: 'A version', ...described },
    { method: 'GET', url: `${model}/ready`, id: 'modelReady', summary: 'Whether a model answers', ...ready },
    {
      ...{ method: 'GET', url: `${version}/ready`, id: 'modelVersionReady' },
      ...{ summary: 'Whether a version is in memory', ...ready },
    },
    {
      ...{ method: 'POST', url: `${model}/infer`, id: 'infer' },
      ...{ summary: 'Predict with what is live', ...inferring },
    },
    {
      ...{ method: 'POST', url: `${version}/infer`, id: 'inferVersion' },
      ...{ summary: 'Predict with a version', ...inferring },
    },
  ] as Route[];
}
