export { tracingActivityInterceptor, workContextOf } from './activity-interceptor';
export { runUnderSpan } from './asking';
export { tracingClientInterceptor } from './client-interceptor';
export { countSpans } from './span-counter';
export type { SpanOutcome, TracingOptions } from './options';
export { processTracing, startTracing, type Tracing } from './tracing';
export { workflowSpanSinks } from './workflow-sink';
