import path from 'node:path';
import { homePaths, type Settings } from './settings';

export type TracingSettings = Pick<Settings, 'tracing' | 'profile' | 'home' | 'workingDirectory'>;

/** Where the spans of these settings lie as files; undefined where there are none. */
export function spanDirectory(settings: TracingSettings): string | undefined {
  const { profile, workingDirectory, tracing } = settings;
  if (tracing.mode === 'off') return undefined;
  if (tracing.directory) return path.resolve(workingDirectory, tracing.directory);
  return profile === 'local' && !tracing.endpoint ? homePaths(settings).traces : undefined;
}

/** An address without a path is a collector's, which takes traces at /v1/traces. */
export function traceEndpoint({ tracing }: Pick<Settings, 'tracing'>): string | undefined {
  if (tracing.mode === 'off' || !tracing.endpoint) return undefined;
  const url = new URL(tracing.endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}
