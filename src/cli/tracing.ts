import { existsSync } from 'node:fs';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { spanDirectory, traceEndpoint } from '../platform/trace-places';
import type { Settings } from '../platform/settings';

/** A command waits no longer for its spans to go out, milliseconds. */
const END_WITHIN_MS = 1000;

let end: (() => Promise<void>) | null = null;

const isTraced = (settings: Settings) =>
  traceEndpoint(settings) !== undefined ||
  (spanDirectory(settings) !== undefined && existsSync(settings.home));

/** Loaded when there is something to trace: commands that only look need no tracer. */
async function startTraces(settings: Settings) {
  const [{ openTracing }, tracing] = await Promise.all([
    import('../platform/tracing'),
    import('../observability/tracing'),
  ]);
  const opened = openTracing(settings, 'cli');
  end = async () => opened?.close(END_WITHIN_MS);
  return tracing;
}

/** Spans of what this command starts, signals and updates, where the settings want them and there is a home to keep them in. */
export function commandInterceptors(settings: Settings): WorkflowClientInterceptor[] {
  if (!isTraced(settings)) return [];
  const started = async () => (await startTraces(settings)).tracingClientInterceptor;
  return [
    {
      startWithDetails: async (input, next) => (await started()).startWithDetails!(input, next),
      signal: async (input, next) => (await started()).signal!(input, next),
      startUpdate: async (input, next) => (await started()).startUpdate!(input, next),
    },
  ];
}

/** Runs `body` under a span of its own, where this command is traced. */
export async function underSpan<T>(settings: Settings, name: string, body: () => Promise<T>): Promise<T> {
  if (!isTraced(settings)) return body();
  return (await startTraces(settings)).runUnderSpan(name, body);
}

/** At the end of a command: a collector that does not answer keeps nobody waiting. */
export const endTraces = async (): Promise<void> => end?.();
