import { context, propagation } from '@opentelemetry/api';

/** Headers by which a server that is asked from here continues the trace (W3C `traceparent`); none where there is no trace. */
export function traceHeaders(): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}
