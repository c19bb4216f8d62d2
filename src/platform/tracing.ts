import type { Registry } from 'prom-client';
import { countSpans, processTracing, startTracing, type Tracing } from '../observability/tracing';
import { spanDirectory, traceEndpoint, type TracingSettings } from './trace-places';

/** What a process is, in traces. */
export type TracedPart =
  'orchestration' | 'featurization' | 'gpu' | 'warehouse' | 'deploy' | 'inference' | 'candidate' | 'cli';

/**
 * Starts the traces of this process as the settings want them; null where they want none.
 * @param registry where spans are counted
 */
export function openTracing(
  settings: TracingSettings,
  part: TracedPart,
  registry?: Registry,
): Tracing | null {
  const started = processTracing();
  if (started) return started;
  const { share, requests } = settings.tracing;
  return startTracing({
    service: `titrate-${part}`,
    endpoint: traceEndpoint(settings),
    directory: spanDirectory(settings),
    // Commands are many and short: those of a day share a file.
    shortLived: part === 'cli',
    ...{ share, requests, onSpans: registry && countSpans(registry) },
  });
}
