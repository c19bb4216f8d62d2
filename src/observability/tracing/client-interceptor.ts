import { SpanKind, type Span } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { TRACE_HEADERS, traceParentText } from '../../contracts';
import { underAskingSpan } from './asking';

/** A span a start, signal and update: what comes of it is linked to it, or under it. Does nothing while traces are off. */
export const tracingClientInterceptor: WorkflowClientInterceptor = {
  startWithDetails: (input, next) =>
    asking(`start ${input.workflowType}`, input.options.workflowId, input, next),
  signal: (input, next) =>
    asking(`signal ${input.signalName}`, input.workflowExecution.workflowId, input, next),
  startUpdate: (input, next) =>
    asking(`update ${input.updateName}`, input.workflowExecution.workflowId, input, next),
};

const asking = <I extends { readonly headers: Headers }, T>(
  name: string,
  workflowId: string | undefined,
  input: I,
  next: (input: I) => Promise<T>,
): Promise<T> =>
  underAskingSpan(
    name,
    { kind: SpanKind.PRODUCER, attributes: { 'temporal.workflow_id': workflowId } },
    (span) => next({ ...input, headers: withParent(input.headers, span) }),
  );

function withParent(headers: Headers, span: Span | null): Headers {
  if (!span) return headers;
  const { traceId, spanId, traceFlags } = span.spanContext();
  const parent = traceParentText({ traceId, spanId, sampled: (traceFlags & 1) === 1 });
  return { ...headers, [TRACE_HEADERS.parent]: defaultPayloadConverter.toPayload(parent)! };
}
