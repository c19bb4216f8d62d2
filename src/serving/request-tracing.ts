import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readTraceParent, traceParentText, versionParts } from '../contracts';

const TRACE_PARENT = 'traceparent';

interface Traced {
  readonly span: Span;
  readonly under: Context;
}

/**
 * A span a request: of those whose caller keeps its trace (W3C `traceparent`), and of a share of those that bring none. Others, and what a full
 * queue turns away, cost a look at a header.
 * @param share 0 to 1
 */
export function traceRequests(app: FastifyInstance, share: number): void {
  const traced = new WeakMap<FastifyRequest, Traced>();

  app.addHook('onRequest', (request, _reply, done) => {
    const begun = begin(request, share);
    if (!begun) return done();
    traced.set(request, begun);
    context.with(begun.under, done);
  });
  // The body came in on the connection's own events: what handles the request is put under its span again.
  app.addHook('preHandler', (request, _reply, done) => {
    const begun = traced.get(request);
    if (begun) context.with(begun.under, done);
    else done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const begun = traced.get(request);
    if (begun) end(begun.span, request, reply);
    done();
  });
}

function begin(request: FastifyRequest, share: number): Traced | null {
  const brought = request.headers[TRACE_PARENT];
  const parent = brought === undefined ? null : readTraceParent(brought);
  if (parent ? !parent.sampled : Math.random() >= share) return null;
  const from = parent
    ? trace.setSpanContext(ROOT_CONTEXT, {
        ...{ traceId: parent.traceId, spanId: parent.spanId, traceFlags: 1, isRemote: true },
      })
    : ROOT_CONTEXT;
  const route = request.routeOptions.url;
  const span = trace
    .getTracer('titrate')
    .startSpan(
      `${request.method} ${route ?? 'none'}`,
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': request.method, 'http.route': route } },
      from,
    );
  const { traceId, spanId } = span.spanContext();
  // Whoever answers in this process' stead goes on from here.
  request.headers[TRACE_PARENT] = traceParentText({ traceId, spanId, sampled: true });
  return { span, under: trace.setSpan(from, span) };
}

function end(span: Span, request: FastifyRequest, reply: FastifyReply): void {
  const { name } = (request.params ?? {}) as { name?: string };
  const answered = reply.getHeader('x-titrate-model');
  const model = typeof answered === 'string' ? versionParts(answered) : null;
  // An answer that nobody took is the client's going away.
  const status = reply.raw.writableFinished ? reply.statusCode : 499;
  span.setAttributes({
    'http.response.status_code': status,
    'titrate.campaign': model?.campaignId ?? name,
    'titrate.model_version': model?.version,
  });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
