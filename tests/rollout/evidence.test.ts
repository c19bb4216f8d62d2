import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { createPrometheusEvidence, createScrapedEvidence } from '../../src/rollout';
import { createTrafficCounters } from '../../src/serving/traffic/counters';
import { TRAFFIC_METRICS } from '../../src/serving/traffic/metric-names';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const V1 = 'solubility-42/v1';
const V2 = 'solubility-42/v2';
const labels = { model: 'solubility-42', version: 'v1' };

test('reads the names that the server writes', () => {
  const registry = new Registry();
  createTrafficCounters(registry);
  for (const name of Object.values(TRAFFIC_METRICS)) expect(registry.getSingleMetric(name)).toBeDefined();
});

test('scraping: counts by version, means and spreads from sums, and a stretch of time as a difference', async () => {
  const registry = new Registry();
  const counters = createTrafficCounters(registry);
  let now = 0;
  const endpoint = await serve((_request, response) => {
    void registry.metrics().then((text) => response.end(text));
  });
  const evidence = createScrapedEvidence({ endpoint, now: () => now });

  counters.answered(labels, 'ok', 0.004, [-1, -3, null]);
  counters.answered(labels, 'error', 0.2, null);
  counters.compared(labels, [1, 2, null], [0, 4, 1]);
  const [first, other] = await evidence.figures('solubility-42', [V1, V2], 60);
  expect(first).toMatchObject({
    ...{ version: V1, requests: 2, errors: 1, molecules: 2, rejected: 1 },
    prediction: { mean: -2, standardDeviation: 1 },
    agreement: { pairs: 2, meanDifference: -0.5, rmsDifference: Math.sqrt(2.5) },
  });
  expect(first!.latencySeconds!.p50).toBeLessThanOrEqual(0.005);
  expect(other).toMatchObject({ version: V2, requests: 0, latencySeconds: null, prediction: null });

  now = 30_000;
  counters.answered(labels, 'ok', 0.004, [5, 5]);
  // Nothing was seen sixty seconds ago, so everything counts; thirty seconds ago there was a look.
  expect((await evidence.figures('solubility-42', [V1], 60))[0]!.requests).toBe(3);
  const [since] = await evidence.figures('solubility-42', [V1], 30);
  expect(since).toMatchObject({
    requests: 1,
    errors: 0,
    prediction: { mean: 5, standardDeviation: 0 },
    agreement: null,
  });

  // A server that was started anew counts from nothing.
  now = 90_000;
  registry.resetMetrics();
  counters.answered(labels, 'ok', 0.004, [7]);
  expect((await evidence.figures('solubility-42', [V1], 30))[0]).toMatchObject({
    requests: 1,
    prediction: { mean: 7 },
  });
});

test('a server that does not answer is unavailable, in words', async () => {
  const nowhere = createScrapedEvidence({ endpoint: 'http://127.0.0.1:9' });
  await expect(nowhere.figures('a', ['a/v1'], 1)).rejects.toMatchObject({ code: 'unavailable' });
  const endpoint = await serve((_request, response) => void response.writeHead(500).end());
  await expect(createScrapedEvidence({ endpoint }).figures('a', ['a/v1'], 1)).rejects.toThrow(/answered 500/);
});

test('Prometheus: increases of counters, differences of gauges, by version over every process; its refusals in its words', async () => {
  const asked: string[] = [];
  const vector = (result: unknown[]) =>
    JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
  const value = (number: string, metric = {}) => ({ metric, value: [1764000000.123, number] });
  const answers: [RegExp, unknown[]][] = [
    [/outcome="error"/, [value('2')]],
    [/_bucket/, [value('60', { le: '0.1' }), value('100', { le: '+Inf' })]],
    [/requests_total/, [value('100')]],
    [/outcome="predicted"/, [value('400')]],
    [/delta\(titrate_traffic_prediction_sum/, [value('-800')]],
    [/prediction_squares/, [value('2000')]],
  ];
  const endpoint = await serve((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      const query = new URLSearchParams(body).get('query')!;
      asked.push(`${request.headers.authorization} ${query}`);
      response.end(vector(answers.find(([pattern]) => pattern.test(query))?.[1] ?? []));
    });
  });
  const headers = async () => ({ authorization: 'Bearer token' });
  const evidence = createPrometheusEvidence({ endpoint, headers, matchers: { namespace: 'chemistry' } });
  expect(await evidence.figures('solubility-42', [V1], 300)).toEqual([
    {
      ...{ version: V1, requests: 100, errors: 2, molecules: 400, rejected: 0 },
      latencySeconds: { p50: expect.closeTo(0.083, 2) as number, p99: 0.1 },
      prediction: { mean: -2, standardDeviation: 1 },
      agreement: null,
    },
  ]);
  expect(asked).toContain(
    'Bearer token sum(increase(titrate_traffic_requests_total{model="solubility-42",version="v1",namespace="chemistry"}[300s]))',
  );

  const refusing = await serve(
    (_request, response) =>
      void response
        .writeHead(422)
        .end(JSON.stringify({ status: 'error', errorType: 'execution', error: 'query timed out' })),
  );
  const refused = createPrometheusEvidence({ endpoint: refusing }).figures('a', ['a/v1'], 1);
  await expect(refused).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('query timed out'),
  });
});
