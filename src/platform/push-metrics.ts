import { randomUUID } from 'node:crypto';
import { asTitrateError } from '../contracts';
import type { Metrics } from '../observability';
import type { Settings } from './settings';

/**
 * Writes the metrics of a process that is about to end to where they can still be read, where the settings ask for it. Work that went well
 * is not spoilt by it: what cannot be written is told.
 * @param job what kind of process it is
 */
export async function pushAtEnd(
  { metrics: { push, endpoint }, google }: Pick<Settings, 'metrics' | 'google'>,
  { registry }: Pick<Metrics, 'registry'>,
  job: string,
  tell: (message: string) => void,
): Promise<void> {
  if (push === 'none') return;
  try {
    const { pushMetrics } = await import('../observability/cloud-monitoring');
    await pushMetrics(registry, {
      ...{ job, endpoint, projectId: google.project, location: google.region },
      task: randomUUID(),
      startedAt: Date.now() - Math.round(process.uptime() * 1000),
    });
  } catch (error) {
    tell(`the metrics of this process are lost: ${asTitrateError(error).message}`);
  }
}
