import type { Registry } from 'prom-client';
import { gaxConnection, grpcError, grpcRead, type Explanations } from '../../foundation';
import { timeSeriesOf, type PushedBy } from './time-series';

/** Series in one CreateTimeSeries request, at most (Cloud Monitoring's quotas). */
const BATCH = 200;
/** A process that ends does not wait longer than this for one answer, ms. */
const PATIENCE_MS = 20_000;

const EXPLANATIONS: Explanations = {
  permissionDenied: {
    code: 'forbidden',
    remedy:
      'Give the account monitoring.timeSeries.create (roles/monitoring.metricWriter), or set metrics.push: none',
  },
  notFound: { code: 'not-found', remedy: 'Look at google.project' },
  invalidArgument: {
    code: 'contradiction',
    remedy: 'A metric of this name was made with another kind: delete its descriptor in Cloud Monitoring',
  },
};

export interface PushOptions extends Omit<PushedBy, 'projectId'> {
  /** Default: that of the credentials. */
  readonly projectId?: string;
  /** Another server than monitoring.googleapis.com: host:port by TLS, http://host:port without. */
  readonly endpoint?: string;
}

/**
 * Writes what a registry says now to Cloud Monitoring, for a process that ends before anybody reads its metrics.
 * @returns series written
 * @throws TitrateError forbidden, not-found, contradiction, config-invalid (credentials), unavailable
 */
export async function pushMetrics(registry: Registry, options: PushOptions): Promise<number> {
  const { endpoint, ...by } = options;
  const { MetricServiceClient } = await import('@google-cloud/monitoring');
  const client = new MetricServiceClient({
    ...(by.projectId !== undefined && { projectId: by.projectId }),
    ...gaxConnection('@google-cloud/monitoring', endpoint),
  });
  const explained = (error: unknown) =>
    grpcError(
      error,
      'writing metrics to Cloud Monitoring',
      `project ${by.projectId ?? 'of the credentials'}`,
      EXPLANATIONS,
    );
  try {
    const projectId = by.projectId ?? (await grpcRead(() => client.getProjectId(), explained));
    const series = await timeSeriesOf(registry, { ...by, projectId }, Date.now());
    for (let from = 0; from < series.length; from += BATCH) {
      const timeSeries = series.slice(from, from + BATCH) as never;
      await grpcRead(
        () =>
          client.createTimeSeries({ name: `projects/${projectId}`, timeSeries }, { timeout: PATIENCE_MS }),
        explained,
      );
    }
    return series.length;
  } finally {
    await client.close();
  }
}
