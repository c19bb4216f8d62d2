import { createMetrics } from '../../src/observability';
import { pushMetrics } from '../../src/observability/cloud-monitoring';
import { pushAtEnd } from '../../src/platform/push-metrics';
import { loadSettings } from '../../src/platform/settings';
import { startMonitoringServer, type MonitoringServer } from './support/monitoring-server';

const PROJECT = 'a-project';

/** The server is made from published protos: it checks transport and message shape, not how Google's service behaves. */
describe('writing metrics to Cloud Monitoring, against a server made from the published protos', () => {
  let server: MonitoringServer;
  beforeEach(async () => {
    server = await startMonitoringServer(PROJECT);
  });
  afterEach(() => server.stop());

  const startedAt = Date.now() - 60_000;
  const push = (metrics: Pick<ReturnType<typeof createMetrics>, 'registry'>, projectId = PROJECT) =>
    pushMetrics(metrics.registry, {
      ...{ projectId, location: 'europe-west4', job: 'training-job', task: 'task-7', startedAt },
      endpoint: server.endpoint,
    });
  const sent = () => server.requests.flatMap(({ timeSeries }) => timeSeries);

  test('counters add up from the start of the process, gauges are of now, histograms are distributions', async () => {
    const metrics = createMetrics();
    metrics.objects.bytes.inc({ direction: 'read' }, 4096);
    metrics.training.labels.set(250);
    const at = { family: 'mlp-ensemble', engine: 'vertex' };
    for (const seconds of [0.02, 0.3, 200_000]) metrics.training.duration.observe(at, seconds);
    expect(await push(metrics)).toBe(3);
    const byType = new Map(sent().map((one) => [one.metric.type, one]));

    const bytes = byType.get('custom.googleapis.com/titrate/object_bytes_total')!;
    expect(bytes).toMatchObject({
      metric: { labels: { direction: 'read' } },
      metricKind: 'CUMULATIVE',
      valueType: 'DOUBLE',
      resource: {
        type: 'generic_task',
        labels: {
          ...{ project_id: PROJECT, location: 'europe-west4', namespace: 'titrate' },
          ...{ job: 'training-job', task_id: 'task-7' },
        },
      },
    });
    const [{ interval, value }] = bytes.points as [(typeof bytes.points)[0]];
    expect(value.doubleValue).toBe(4096);
    expect(interval.startTime!.seconds).toBe(Math.floor(startedAt / 1000));
    expect(interval.endTime.seconds).toBeGreaterThanOrEqual(interval.startTime!.seconds + 60);

    expect(byType.get('custom.googleapis.com/titrate/training_labels')).toMatchObject({
      metricKind: 'GAUGE',
      points: [{ value: { doubleValue: 250 }, interval: { startTime: null } }],
    });
    const took = byType.get('custom.googleapis.com/titrate/training_duration_seconds')!;
    expect(took).toMatchObject({
      metric: { labels: at },
      metricKind: 'CUMULATIVE',
      valueType: 'DISTRIBUTION',
    });
    const { count, mean, bucketCounts, bucketOptions } = took.points[0]!.value.distributionValue!;
    const { bounds } = bucketOptions.explicitBuckets;
    expect([count, mean]).toEqual([3, (0.02 + 0.3 + 200_000) / 3]);
    expect(bucketCounts).toHaveLength(bounds.length + 1);
    expect(bucketCounts.reduce((sum, n) => sum + n, 0)).toBe(3);
    expect(bucketCounts[bounds.findIndex((bound) => bound >= 0.02)]).toBe(1);
    expect(bucketCounts.at(-1)).toBe(1);
  });

  test('more series than a request takes go in several, each once', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 450; i++) metrics.rounds.rounds.inc({ campaign: `c${i}` });
    expect(await push(metrics)).toBe(450);
    expect(server.requests.map(({ timeSeries }) => timeSeries.length)).toEqual([200, 200, 50]);
    expect(new Set(sent().map(({ metric }) => metric.labels.campaign)).size).toBe(450);
  });

  test('nothing that was counted is no request', async () => {
    expect(await push(createMetrics())).toBe(0);
    expect(server.requests).toEqual([]);
  });

  test('trouble that passes is waited out; a refusal says which right is missing', async () => {
    const metrics = createMetrics();
    metrics.training.labels.set(1);
    server.faults.push({ code: 'UNAVAILABLE', message: 'later' });
    expect(await push(metrics)).toBe(1);
    server.faults.push({ code: 'PERMISSION_DENIED', message: 'no monitoring.timeSeries.create' });
    await expect(push(metrics)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(
        /project a-project: writing metrics to Cloud Monitoring failed.*metricWriter/,
      ),
    });
    await expect(push(metrics, 'other')).rejects.toMatchObject({ code: 'contradiction' });
  });

  test('at the end of a process: only where the settings ask for it, and a refusal costs nothing but a line', async () => {
    const metrics = createMetrics();
    metrics.training.labels.set(1);
    const told: string[] = [];
    const end = (settings: Parameters<typeof loadSettings>[0]) =>
      pushAtEnd(loadSettings(settings, {}), metrics, 'training-job', (line) => told.push(line));
    const google = { project: PROJECT };
    await end({ google, metrics: { endpoint: server.endpoint } });
    expect(server.requests).toEqual([]);
    await end({ google, metrics: { push: 'cloud-monitoring', endpoint: server.endpoint } });
    expect(sent()).toHaveLength(1);
    server.faults.push({ code: 'PERMISSION_DENIED', message: 'no' });
    await end({ google, metrics: { push: 'cloud-monitoring', endpoint: server.endpoint } });
    expect(told).toEqual([
      expect.stringMatching(/the metrics of this process are lost: .*PERMISSION_DENIED/),
    ]);
  });

  test('with profile gcp and a project it is asked for, else not', () => {
    const push = (profile: 'local' | 'gcp', project?: string) =>
      loadSettings(
        {
          ...{ profile, google: { project } },
          ...{ objects: { store: 'files' }, warehouse: { engine: 'duckdb' } },
          ...{ processing: { engine: 'inline' }, training: { engine: 'local' } },
        },
        {},
      ).metrics.push;
    expect([push('local', PROJECT), push('gcp'), push('gcp', PROJECT)]).toEqual([
      ...['none', 'none', 'cloud-monitoring'],
    ]);
  });
});
