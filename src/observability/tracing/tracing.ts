import { hostname } from 'node:os';
import { context, propagation, trace, type Tracer } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { Resource } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  ParentBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { release } from '../../foundation';
import { Collector } from './collector';
import { AsyncContextManager } from './context-manager';
import type { TracingOptions } from './options';
import { SpanFiles } from './span-files';
import { SpanQueue } from './span-queue';

/** What waits at the end is given this long to go out, milliseconds. */
const CLOSE_WITHIN_MS = 5000;

/** The traces of this process. */
export interface Tracing {
  readonly options: TracingOptions;
  readonly tracer: Tracer;
  readonly resource: Resource;
  readonly queue: SpanQueue;
  /** Sends what waits, within `withinMs`; default 5,000. Then nothing is traced any more. */
  close(withinMs?: number): Promise<void>;
}

let current: Tracing | null = null;

/** The traces of this process; null where they are off. */
export const processTracing = (): Tracing | null => current;

/**
 * Starts to trace, once a process: the rooms speak to OpenTelemetry's API alone, and are heard from now on. null where the options say
 * nowhere to keep spans.
 */
export function startTracing(options: TracingOptions): Tracing | null {
  if (current) return current;
  const exporters: SpanExporter[] = [
    ...(options.directory ? [new SpanFiles(options.directory, options.service, options.shortLived)] : []),
    ...(options.endpoint ? [new Collector(options.endpoint)] : []),
  ];
  if (exporters.length === 0) return null;
  const resource = new Resource({
    'service.name': options.service,
    'service.namespace': 'titrate',
    'service.version': release,
    'service.instance.id': `${hostname()}/${process.pid}`,
    'host.name': hostname(),
    'process.pid': process.pid,
  });
  const queue = new SpanQueue(exporters.length === 1 ? exporters[0]! : inTurn(exporters), {
    onSpans: options.onSpans,
  });
  const provider = new BasicTracerProvider({
    resource,
    // Whoever makes a span without a parent has decided that it is wanted.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [queue],
  });
  context.setGlobalContextManager(new AsyncContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracing: Tracing = {
    ...{ options, resource, queue },
    tracer: provider.getTracer('titrate', release),
    async close(withinMs = CLOSE_WITHIN_MS) {
      if (current !== tracing) return;
      current = null;
      trace.disable();
      propagation.disable();
      context.disable();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([queue.shutdown(), late]);
      clearTimeout(timer);
    },
  };
  current = tracing;
  return tracing;
}

/** To the one, then to the other: it counts as done when both have it. */
function inTurn(exporters: readonly SpanExporter[]): SpanExporter {
  return {
    export(spans, done) {
      const next = (at: number): void =>
        exporters[at]!.export(spans, (result) =>
          result.code !== 0 || at === exporters.length - 1 ? done(result) : next(at + 1),
        );
      next(0);
    },
    async shutdown() {
      await Promise.all(exporters.map((exporter) => exporter.shutdown()));
    },
  };
}
