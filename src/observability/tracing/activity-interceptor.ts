import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import {
  readTraceParent,
  runSpanId,
  runTraceId,
  TRACE_HEADERS,
  workContextSchema,
  type TraceParent,
  type WorkContext,
} from '../../contracts';
import { isKept } from './sampling';
import { processTracing } from './tracing';

/** Whose work an activity is, as its workflow said in the header `titrate-context`; {} where it said nothing. */
export function workContextOf(headers: Headers): WorkContext {
  const parsed = workContextSchema.safeParse(read(headers, TRACE_HEADERS.context));
  return parsed.success ? parsed.data : {};
}

/**
 * A span a try of an activity, under the workflow's, with how long the try waited for a worker. What the activity calls continues the
 * trace. Does nothing while traces are off.
 */
export const tracingActivityInterceptor: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute(input, next) {
      const tracing = processTracing();
      if (!tracing) return next(input);
      const parent =
        readTraceParent(read(input.headers, TRACE_HEADERS.parent)) ?? parentOf(info.workflowExecution?.runId);
      if (!parent) return next(input);
      const sampled = isKept(parent.traceId, tracing.options.share);
      const under = trace.setSpanContext(ROOT_CONTEXT, {
        ...{ traceId: parent.traceId, spanId: parent.spanId, isRemote: true },
        traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      });
      // Whom it calls must know that this trace is not kept.
      if (!sampled) return context.with(under, next, undefined, input);
      const now = Date.now();
      const { campaign, round, stage } = workContextOf(input.headers);
      const span = tracing.tracer.startSpan(
        info.activityType,
        {
          kind: SpanKind.CONSUMER,
          attributes: {
            'temporal.task_queue': info.taskQueue,
            'temporal.activity_type': info.activityType,
            'temporal.activity_id': info.activityId,
            'temporal.attempt': info.attempt,
            'temporal.workflow_type': info.workflowType,
            'temporal.workflow_id': info.workflowExecution?.workflowId,
            'temporal.run_id': info.workflowExecution?.runId,
            'titrate.queue_ms': Math.max(0, now - info.currentAttemptScheduledTimestampMs),
            'titrate.campaign': campaign,
            'titrate.round': round,
            'titrate.stage': stage,
          },
        },
        under,
      );
      return context.with(trace.setSpan(under, span), async () => {
        try {
          return await next(input);
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          span.setStatus({ code: SpanStatusCode.ERROR, message });
          span.setAttribute('error.type', typeOf(error));
          throw error;
        } finally {
          span.end();
        }
      });
    },
  },
});

/** A workflow of an earlier build says nothing: then its run has a trace of its own. */
const parentOf = (runId: string | undefined): TraceParent | null =>
  runId === undefined ? null : { traceId: runTraceId(runId), spanId: runSpanId(runId), sampled: true };

function typeOf(error: unknown): string {
  const { code, type, name } = error as { code?: unknown; type?: unknown; name?: unknown };
  return String(code ?? type ?? name ?? 'internal');
}

function read(headers: Headers, name: string): unknown {
  const found = headers[name];
  return found === undefined ? undefined : defaultPayloadConverter.fromPayload(found);
}
