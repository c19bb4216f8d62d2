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

test('Prometheus: asks for one version, by its matchers and with its token; its refusals are told in its words', async () => {
  const asked: string[] = [];
  const endpoint = await serve((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      asked.push(`${request.headers.authorization} ${new URLSearchParams(body).get('query')}`);
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } }));
    });
  });
  const headers = async () => ({ authorization: 'Bearer token' });
  const evidence = createPrometheusEvidence({ endpoint, headers, matchers: { namespace: 'chemistry' } });
  expect(await evidence.figures('solubility-42', [V1], 300)).toEqual([
    {
      ...{ version: V1, requests: 0, errors: 0, molecules: 0, rejected: 0 },
      ...{ latencySeconds: null, prediction: null, agreement: null },
    },
  ]);
  const selector = '{model="solubility-42",version="v1",namespace="chemistry"}';
  for (const query of asked) expect(query).toMatch(/^Bearer token sum/);
  expect(asked.some((query) => query.includes(`titrate_traffic_requests_total${selector}[300s]`))).toBe(true);

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
