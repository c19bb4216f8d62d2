import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createMetrics,
  observeProcess,
  openMetricsEndpoint,
  type MetricsEndpoint,
} from '../../src/observability';
import { complaintsAbout, describeWithPrometheus } from '../support/prometheus';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function exporter(text: string): Promise<{ server: Server; address: string }> {
  const server = createServer((_, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics` };
}

async function open(address: string | null) {
  const metrics = createMetrics();
  const endpoint = await openMetricsEndpoint({
    ...{ host: '127.0.0.1', port: 0, registry: metrics.registry },
    exporter: () => address,
  });
  opened.push(endpoint);
  return { metrics, endpoint };
}
const read = async ({ address }: MetricsEndpoint) => (await fetch(`${address}/metrics`)).text();

test("one answer has our metrics and then the exporter's", async () => {
  const { address } = await exporter('# TYPE temporal_requests_total counter\ntemporal_requests_total 3\n');
  const { metrics, endpoint } = await open(address);
  metrics.rounds.rounds.inc({ campaign: 'esol-42' });
  const text = await read(endpoint);
  expect(text).toContain('titrate_rounds_total{campaign="esol-42"} 1');
  expect(text).toContain('titrate_metrics_exporter_up 1');
  expect(text.indexOf('temporal_requests_total 3')).toBeGreaterThan(text.indexOf('titrate_rounds_total'));
});

test('where the exporter is gone, or answers with an error, ours come alone and say so', async () => {
  const { server, address } = await exporter('temporal_requests_total 3\n');
  const { endpoint } = await open(address);
  server.removeAllListeners('request').on('request', (_, response) => response.writeHead(500).end('no'));
  expect(await read(endpoint)).toContain('titrate_metrics_exporter_up 0');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const text = await read(endpoint);
  expect(text).toContain('titrate_metrics_exporter_up 0');
  expect(text).not.toContain('temporal_requests_total');
});

test('other paths and methods are not answered; a port that is taken says what to do', async () => {
  const { metrics, endpoint } = await open(null);
  expect((await fetch(`${endpoint.address}/`)).status).toBe(404);
  expect((await fetch(`${endpoint.address}/metrics`, { method: 'POST' })).status).toBe(404);
  const port = Number(new URL(endpoint.address).port);
  await expect(
    openMetricsEndpoint({
      host: '127.0.0.1',
      port,
      registry: createMetrics().registry,
      exporter: () => null,
    }),
  ).rejects.toThrow(new RegExp(`127.0.0.1:${port}: metrics cannot be offered there.*TITRATE_METRICS_PORT`));
  expect(metrics.registry.getSingleMetric('titrate_metrics_exporter_up')).toBeDefined();
});

test('metrics of the process itself are read when somebody asks', async () => {
  const { registry } = createMetrics();
  observeProcess(registry);
  const value = async (line: RegExp) => Number((await registry.metrics()).match(line)?.[1]);
  const active = /^nodejs_eventloop_seconds_total\{state="active"\} (.+)$/m;
  const before = await value(active);
  const until = performance.now() + 50;
  while (performance.now() < until);
  // The loop has turned once since.
  await new Promise((resolve) => setImmediate(resolve));
  expect((await value(active)) - before).toBeGreaterThan(0.045);
  for (const line of [
    /^process_resident_memory_bytes (\d+)$/m,
    /^process_open_fds (\d+)$/m,
    /^process_max_fds (\d+)$/m,
    /^process_start_time_seconds (.+)$/m,
    /^nodejs_heap_size_used_bytes (\d+)$/m,
  ])
    expect(await value(line)).toBeGreaterThan(0);
});

describeWithPrometheus('all names', () => {
  test('are such as Prometheus has no complaint about, with a value of each', async () => {
    const { registry } = createMetrics();
    observeProcess(registry);
    for (const { name, type } of await registry.getMetricsAsJSON()) {
      if (!name.startsWith('titrate_')) continue;
      const metric = registry.getSingleMetric(name) as unknown as {
        labelNames: string[];
        inc?: (labels: object, value: number) => void;
        set?: (labels: object, value: number) => void;
        observe?: (labels: object, value: number) => void;
      };
      const labels = Object.fromEntries(
        metric.labelNames.filter((one) => one !== 'le').map((one) => [one, 'a']),
      );
      if (String(type) === 'histogram') metric.observe!(labels, 1);
      else if (String(type) === 'gauge') metric.set!(labels, 1);
      else metric.inc!(labels, 1);
    }
    const text = await registry.metrics();
    expect(complaintsAbout(text)).toBe('');
    expect(text).toMatch(/^titrate_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
    expect(text).toContain('process_cpu_seconds_total');
  });
});
