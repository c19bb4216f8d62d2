import { SpanKind, SpanStatusCode, type HrTime, type Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InjectedSinks } from '@temporalio/worker';
import type { WorkflowSpan, WorkflowSpanSinks } from '../../contracts';
import { isKept } from './sampling';
import type { Tracing } from './tracing';

const LIBRARY = { name: 'titrate.workflows' };

/** What workflows hand their spans to. Without tracing it takes them all the same, and they go nowhere. */
export function workflowSpanSinks(tracing: Tracing | null): InjectedSinks<WorkflowSpanSinks> {
  return {
    titrateSpans: {
      ended: {
        // A task that is replayed has told of its spans already.
        callDuringReplay: false,
        fn(info, span) {
          if (!tracing || !isKept(span.traceId, tracing.options.share)) return;
          tracing.queue.onEnd(readable(span, info.taskQueue, tracing));
        },
      },
    },
  };
}

function readable(span: WorkflowSpan, taskQueue: string, { resource }: Tracing): ReadableSpan {
  const links: Link[] = (span.links ?? []).map((link) => ({
    context: { ...link, traceFlags: 1 },
    attributes: {},
  }));
  const spanContext = { traceId: span.traceId, spanId: span.spanId, traceFlags: 1 };
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => spanContext,
    parentSpanId: span.parentSpanId,
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.endMs),
    duration: hrTime(span.endMs - span.startMs),
    status:
      span.failure === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: span.failure },
    attributes: { ...span.attributes, 'temporal.task_queue': taskQueue },
    links,
    events: [],
    ended: true,
    resource,
    instrumentationLibrary: LIBRARY,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
