import path from 'node:path';
import { Server, ServerCredentials, status, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface SentSeries {
  readonly metric: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly metricKind: string;
  readonly valueType: string;
  readonly points: readonly {
    readonly interval: {
      readonly startTime: { readonly seconds: number } | null;
      readonly endTime: { readonly seconds: number };
    };
    readonly value: {
      readonly doubleValue?: number;
      readonly distributionValue?: {
        readonly count: number;
        readonly mean: number;
        readonly bucketCounts: readonly number[];
        readonly bucketOptions: { readonly explicitBuckets: { readonly bounds: readonly number[] } };
      };
    };
  }[];
}

/**
 * A server of CreateTimeSeries made from the protos that @google-cloud/monitoring publishes. It keeps to what the documentation says: at
 * most 200 series a request, one point a series, a kind a metric keeps, a start before the end of what adds up and none for gauges.
 * It checks transport and the shape of messages, and says nothing of how Google's service behaves.
 */
export interface MonitoringServer {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** By request. */
  readonly requests: { readonly name: string; readonly timeSeries: readonly SentSeries[] }[];
  /** The next calls fail so, one each. */
  readonly faults: { readonly code: keyof typeof status; readonly message: string }[];
  stop(): void;
}

const folderOf = (name: string) => path.join(path.dirname(require.resolve(name)), '..');

export async function startMonitoringServer(project: string): Promise<MonitoringServer> {
  const definition = loadSync('google/monitoring/v3/metric_service.proto', {
    includeDirs: [
      path.join(folderOf('@google-cloud/monitoring'), 'protos'),
      path.join(folderOf('google-gax'), 'protos'),
    ],
    ...{ longs: Number, enums: String, defaults: true, oneofs: false },
  });
  const service = definition['google.monitoring.v3.MetricService'] as unknown as ServiceDefinition;
  const requests: MonitoringServer['requests'] = [];
  const faults: MonitoringServer['faults'] = [];
  const kinds = new Map<string, string>();

  function problemOf({ name, timeSeries }: MonitoringServer['requests'][0]): string | null {
    if (name !== `projects/${project}`) return `no project ${name}`;
    if (timeSeries.length > 200) return `${timeSeries.length} series, at most 200`;
    for (const { metric, metricKind, points } of timeSeries) {
      const kind = kinds.get(metric.type) ?? metricKind;
      kinds.set(metric.type, kind);
      if (kind !== metricKind) return `${metric.type} is ${kind}`;
      if (points.length !== 1) return `${metric.type} has ${points.length} points`;
      const { startTime, endTime } = points[0]!.interval;
      if (metricKind === 'GAUGE' && startTime && startTime.seconds !== endTime.seconds)
        return `${metric.type}: the interval of a gauge has no length`;
      if (metricKind === 'CUMULATIVE' && !(startTime && startTime.seconds <= endTime.seconds))
        return `${metric.type}: the interval of a count has a length`;
    }
    return null;
  }

  const server = new Server();
  server.addService(service, {
    CreateTimeSeries: (
      { request }: { request: MonitoringServer['requests'][0] },
      reply: (error: { code: number; details: string } | null, response?: object) => void,
    ) => {
      const fault = faults.shift();
      if (fault) return reply({ code: status[fault.code], details: fault.message });
      const problem = problemOf(request);
      if (problem) return reply({ code: status.INVALID_ARGUMENT, details: problem });
      requests.push(request);
      reply(null, {});
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, taken) =>
      error ? reject(error) : resolve(taken),
    ),
  );
  return { endpoint: `http://127.0.0.1:${port}`, requests, faults, stop: () => server.forceShutdown() };
}
