import { context, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import fastify, { type FastifyInstance } from 'fastify';
import { TitrateError } from '../../../src/contracts';
import { AsyncContextManager } from '../../../src/observability/tracing/context-manager';
import { traceRequests } from '../../../src/serving/request-tracing';
import { eventually } from '../../support/eventually';
import { sendProblem, toProblem } from '../../../src/serving/problems';

const exporter = new InMemorySpanExporter();
const TRACE = 'c'.repeat(32);
const CALLER = 'd'.repeat(16);

describe('requests to the inference server', () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncContextManager());
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    );
  });
  afterAll(() => {
    trace.disable();
    context.disable();
  });
  beforeEach(() => exporter.reset());

  async function serving(
    share: number,
    body: (address: string, app: FastifyInstance) => Promise<void>,
  ): Promise<void> {
    const app = fastify();
    traceRequests(app, share);
    app.setErrorHandler((error, request, reply) => sendProblem(reply, toProblem(error, request.url, 100)));
    app.post('/predict', async (request, reply) => {
      await new Promise(setImmediate);
      void reply.header('x-titrate-model', 'c-1/v3');
      return {
        under: trace.getActiveSpan()?.spanContext().spanId ?? null,
        passed: request.headers.traceparent,
      };
    });
    app.get('/v2/models/:name/ready', async () => {
      throw new TitrateError('unavailable', { what: 'not yet' });
    });
    try {
      await body(await app.listen({ host: '127.0.0.1', port: 0 }), app);
    } finally {
      await app.close();
    }
  }
  const predict = async (address: string, traceparent?: string) => {
    const answer = await fetch(`${address}/predict?x=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(traceparent !== undefined && { traceparent }) },
      body: JSON.stringify({ smiles: ['C'] }),
    });
    return (await answer.json()) as { under: string | null; passed?: string };
  };
  /** A span ends when its answer is out, which its caller may know sooner. */
  const ended = (count: number) =>
    eventually(
      async () => exporter.getFinishedSpans(),
      (spans) => spans.length >= count,
    );

  test('continue the trace of their caller, and who answers in their stead goes on from them', () =>
    serving(0, async (address) => {
      const answer = await predict(address, `00-${TRACE}-${CALLER}-01`);
      const [span] = await ended(1);
      const { traceId, spanId } = span!.spanContext();
      expect([traceId, span!.parentSpanId]).toEqual([TRACE, CALLER]);
      expect(answer).toEqual({ under: spanId, passed: `00-${TRACE}-${spanId}-01` });
      expect(span!.name).toBe('POST /predict');
      expect(span!.attributes).toEqual({
        'http.request.method': 'POST',
        'http.route': '/predict',
        'http.response.status_code': 200,
        'titrate.campaign': 'c-1',
        'titrate.model_version': 'v3',
      });
    }));

  test('have no span where their caller keeps none, or brings none and the share is 0', () =>
    serving(0, async (address, app) => {
      await predict(address, `00-${TRACE}-${CALLER}-00`);
      await predict(address);
      expect(await predict(address, 'nonsense')).toEqual({ under: null, passed: 'nonsense' });
      await app.close();
      expect(exporter.getFinishedSpans()).toHaveLength(0);
    }));

  test('without a trace begin one of their own as often as the share says', () =>
    serving(1, async (address, app) => {
      await predict(address);
      const [span] = await ended(1);
      expect(span!.parentSpanId).toBeUndefined();
      // Who keeps no trace is heeded all the same.
      await predict(address, `00-${TRACE}-${CALLER}-00`);
      await app.close();
      expect(exporter.getFinishedSpans()).toHaveLength(1);
    }));

  test('say what campaign they asked for, and that they failed', () =>
    serving(1, async (address) => {
      await fetch(`${address}/v2/models/c-9/ready`);
      const [span] = await ended(1);
      expect(span!.name).toBe('GET /v2/models/:name/ready');
      expect(span!.status.code).toBe(2);
      expect(span!.attributes).toMatchObject({ 'http.response.status_code': 503, 'titrate.campaign': 'c-9' });
    }));
});
