import { context, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import { processTracing } from './tracing';

/** Runs `body` under a span of something that is asked of another process. Without tracing there is no span. */
export async function underAskingSpan<T>(
  name: string,
  { kind, attributes }: { readonly kind: SpanKind; readonly attributes?: Attributes },
  body: (span: Span | null) => Promise<T>,
): Promise<T> {
  const tracing = processTracing();
  if (!tracing) return body(null);
  const span = tracing.tracer.startSpan(name, { kind, attributes });
  return context.with(trace.setSpan(context.active(), span), async () => {
    try {
      return await body(span);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Runs `body` under a span of a request to a server. */
export const runUnderSpan = <T>(name: string, body: () => Promise<T>): Promise<T> =>
  underAskingSpan(name, { kind: SpanKind.CLIENT }, body);
