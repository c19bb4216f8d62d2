import { Counter, type Registry } from 'prom-client';
import type { TracingOptions } from './options';

/** Counts what becomes of spans, in the registry of the process. */
export function countSpans(registry: Registry): NonNullable<TracingOptions['onSpans']> {
  const spans = new Counter({
    name: 'titrate_trace_spans_total',
    help: 'Spans of traces by what became of them: exported, dropped because the queue was full, failed because they could not be sent or written.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  return (outcome, count) => spans.inc({ outcome }, count);
}
