import { Readable } from 'node:stream';
import { z } from 'zod';
import { modelVersionId } from '../contracts';
import {
  batchAnswerSchema,
  batchLineSchema,
  modelsSchema,
  predictAnswerSchema,
  predictRequestSchema,
} from './answers';
import { predictLines } from './batch-stream';
import type { LiveModelStatus } from './live-models';
import { HttpProblem } from './problems';
import { TitrateError } from '../contracts';
import { DEADLINE_HEADER, requestSignal } from './request-signal';
import { namingTheModel, readAs, type Route, type RouteParts } from './route';

export const NDJSON = 'application/x-ndjson';

const batchQuerySchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .optional()
    .describe("'campaign', 'campaign/v3' or 'campaign@alias'; may be left out where one model is live"),
});

/** `POST /predict` in a chemist's words, `POST /predict/batch` for any number of molecules, `GET /models`, `GET /metrics`. */
export function moleculeRoutes(parts: RouteParts): Route[] {
  const { live, inference, access } = parts;
  return [
    {
      ...{ method: 'POST', url: '/predict', id: 'predict', scope: 'predict', refusedWhenFull: true },
      summary: 'Predict molecules',
      headers: { [DEADLINE_HEADER]: 'How long the answer may take, milliseconds' },
      body: { description: 'Molecules', schema: predictRequestSchema },
      answers: { 200: { description: 'Prediction i belongs to SMILES i', schema: predictAnswerSchema } },
      handler: async (request, reply) => {
        const { model, smiles } = readAs(predictRequestSchema, request.body, 'prediction request');
        const molecules = inference.molecules(smiles, 'smiles');
        const caller = access.callerOf(request);
        const { signal, release } = requestSignal(request, reply, parts.timeoutMs);
        try {
          const version = await inference.versionNamed(model);
          const answer = await inference.predict(version, molecules, { caller, signal });
          return await namingTheModel(reply, answer).send(answer);
        } finally {
          release();
        }
      },
    },
    {
      ...{ method: 'POST', url: '/predict/batch', id: 'predictBatch', scope: 'predict' },
      summary: 'Predict a stream of molecules with one model version, a line each',
      query: batchQuerySchema,
      body: { description: 'A molecule a line', schema: batchLineSchema, type: NDJSON },
      answers: {
        200: {
          description: 'A line each, in their order; a last line with `problem` where the work ended early',
          schema: batchAnswerSchema,
          type: NDJSON,
        },
      },
      handler: async (request, reply) => {
        if (!(request.body instanceof Readable)) {
          const error = new TitrateError('usage', {
            what: `the batch endpoint reads lines, and this is ${request.headers['content-type'] ?? 'no body'}`,
            where: 'content-type',
            remedy: `Send NDJSON, with 'content-type: ${NDJSON}'`,
          });
          throw new HttpProblem(415, error);
        }
        const { model } = readAs(batchQuerySchema, request.query, 'query');
        const version = await inference.versionNamed(model);
        const gone = new AbortController();
        reply.raw.once('close', () =>
          gone.abort(new TitrateError('cancelled', { what: 'the client went away before the answer' })),
        );
        const asking = { caller: access.callerOf(request), signal: gone.signal };
        const stream = parts.traffic.stream(request, version, inference);
        const { versionId, lines } = await stream.begin(predictLines(request.body, version, stream, asking));
        return reply
          .header('x-titrate-model', versionId)
          .type(NDJSON)
          .send(Readable.from(lines, { objectMode: false }));
      },
    },
    {
      ...{ method: 'GET', url: '/models', id: 'models', scope: 'read', summary: 'The models here' },
      answers: { 200: { description: 'What is live, what is loaded', schema: modelsSchema } },
      handler: async () => ({
        models: await Promise.all(live.all().map((status) => describeModel(status, parts))),
      }),
    },
    {
      ...{ method: 'GET', url: '/metrics', id: 'metrics', scope: parts.metricsScope },
      summary: 'What is counted, for Prometheus',
      answers: { 200: { description: 'Text exposition format', type: 'text/plain' } },
      handler: async (_request, reply) => {
        const { type, text } = await parts.exposition();
        return reply.type(type).send(text);
      },
    },
  ] as Route[];
}

async function describeModel(
  { campaignId, live, desired, loading, failure }: LiveModelStatus,
  { registry, cache }: RouteParts,
) {
  const versions = await registry.versions(campaignId);
  const loaded = cache.loaded().filter(({ card }) => card.campaignId === campaignId);
  const serving = loaded.find(({ version }) => version.id === live?.id);
  return {
    model: campaignId,
    property: serving?.card.property ?? null,
    unit: serving?.card.unit ?? null,
    live: live?.id ?? null,
    desired,
    loading,
    loaded: loaded.map(({ version }) => version.id),
    registered: versions.length,
    latest: versions.length ? modelVersionId(campaignId, versions.at(-1)!.number) : null,
    failure,
    warnings: serving?.warnings ?? [],
  };
}
