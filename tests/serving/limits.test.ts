import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import { predictionRecordSchema, predictionSegmentSchema } from '../../src/contracts';
import { createInferenceServer, type InferenceServer, type InferenceServerOptions } from '../../src/serving';
import * as answers from '../../src/serving/answers';
import { ask, eventually, MOLECULES, openWorld, type World } from './support/world';

const CAMPAIGN = 'solubility-42';
let world: World;
const servers: InferenceServer[] = [];

async function open(options: Partial<InferenceServerOptions> = {}) {
  const server = createInferenceServer({ ...world, host: '127.0.0.1', port: 0, ...options });
  servers.push(server);
  const url = await server.start();
  await server.whenReady();
  return { server, url, metrics: async () => (await fetch(`${url}/metrics`)).text() };
}
const figure = (text: string, name: string) => {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};
const chains = (from: number, count: number) =>
  Array.from(
    { length: count },
    (_, i) => `${'C'.repeat(4 + ((from + i) % 40))}N${'C'.repeat(1 + Math.floor((from + i) / 40))}O`,
  );

beforeAll(async () => {
  world = await openWorld();
  const { id } = await world.train(CAMPAIGN);
  await world.pointers.move(`serving/${CAMPAIGN}`, id, { operationId: 'a', author: 'ada', reason: 'test' });
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await world.close();
});

test('what was asked before is neither standardised nor featurised again, and is bounded in bytes', async () => {
  const { url, metrics } = await open({ cacheBytes: 40_000 });
  const first = (await ask(`${url}/predict`, { smiles: ['CCCCO', 'OCCCC', 'CCCCO', 'C1CC'] })).body;
  const again = (await ask(`${url}/predict`, { smiles: ['CCCCO', 'OCCCC', 'CCCCO', 'C1CC'] })).body;
  expect(again).toEqual(first);
  const lookups = 'titrate_inference_cache_lookups_total';
  const before = await metrics();
  expect(figure(before, `${lookups}{kind="molecule",outcome="miss"}`)).toBe(3);
  expect(figure(before, `${lookups}{kind="molecule",outcome="hit"}`)).toBe(3);
  // Two spellings of one molecule share their neighbour.
  expect(figure(before, `${lookups}{kind="neighbour",outcome="miss"}`)).toBe(1);
  await ask(`${url}/predict`, { smiles: chains(0, 200) });
  const bytes = figure(await metrics(), 'titrate_inference_cache_bytes')!;
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThanOrEqual(40_000);
});

test('a surge is served as far as the queue goes, the rest is told at once, and afterwards all is as before', async () => {
  const { url, metrics } = await open({ maxMoleculesInFlight: 64 });
  const surge = await Promise.all(
    Array.from({ length: 400 }, async (_, i) => {
      const started = performance.now();
      const { status, body, headers } = await ask(`${url}/predict`, { smiles: chains(500 + 8 * i, 8) });
      return { status, code: body.code, retry: headers.get('retry-after'), ms: performance.now() - started };
    }),
  );
  const served = surge.filter(({ status }) => status === 200);
  const refused = surge.filter(({ status }) => status !== 200);
  expect(served.length).toBeGreaterThanOrEqual(64 / 8);
  expect(refused.length).toBeGreaterThan(0);
  for (const { status, code, retry } of refused) {
    expect([status, code]).toEqual([429, 'overloaded']);
    expect(Number(retry)).toBeGreaterThanOrEqual(1);
  }
  const after = await metrics();
  expect(figure(after, 'titrate_inference_errors_total{code="overloaded"}')).toBe(refused.length);
  expect(figure(after, 'titrate_inference_molecules_in_flight')).toBe(0);
  expect((await ask(`${url}/predict`, { smiles: ['CCO'] })).status).toBe(200);
});

test('a deadline that passes is 504, by header, by the parameter of the protocol, and by the server', async () => {
  const { url, metrics } = await open();
  const infer = `${url}/v2/models/${CAMPAIGN}/infer`;
  const post = async (at: string, headers: Record<string, string>, body: unknown) => {
    const response = await fetch(at, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return [response.status, ((await response.json()) as { code?: string }).code];
  };
  const smiles = chains(2000, 600);
  const late = [504, 'deadline-exceeded'];
  expect(await post(`${url}/predict`, { 'x-request-deadline-ms': '40' }, { smiles })).toEqual(late);
  const input = { name: 'smiles', shape: [smiles.length], datatype: 'BYTES', data: smiles };
  expect(await post(infer, {}, { inputs: [input], parameters: { timeout: 30_000 } })).toEqual(late);
  expect(await post(`${url}/predict`, { 'x-request-deadline-ms': 'soon' }, { smiles: ['C'] })).toEqual([
    422,
    'usage',
  ]);
  expect(await post(`${url}/predict`, { 'x-request-deadline-ms': '20000' }, { smiles: ['C'] })).toEqual([
    200,
    undefined,
  ]);
  await eventually(async () => figure(await metrics(), 'titrate_inference_molecules_in_flight') === 0);
  const strict = await open({ timeoutMs: 20 });
  expect(await post(`${strict.url}/predict`, {}, { smiles })).toEqual(late);
});

describe('the batch endpoint', () => {
  const stream = (url: string, body: string | ReadableStream, query = '', signal?: AbortSignal) =>
    fetch(`${url}/predict/batch${query}`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' }, duplex: 'half' },
      signal,
    } as RequestInit);
  const linesOf = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('answers line by line in order, under the version it names; bad lines cost only themselves', async () => {
    const { url } = await open();
    const lines = [
      '"CCO"',
      '{"smiles":"CCN","id":"n"}',
      'not json',
      '',
      '{"smile":"C"}',
      '"C1CC"',
      `"${'C'.repeat(20_000)}"`,
      '{"smiles":"CCO","id":7}',
    ];
    const response = await stream(url, lines.join('\n'), `?model=${CAMPAIGN}`);
    expect([response.status, response.headers.get('x-titrate-model')]).toEqual([200, `${CAMPAIGN}/v1`]);
    const got = linesOf(await response.text());
    expect(got.map(({ line }) => line)).toEqual([1, 2, 3, 5, 6, 7, 8]);
    for (const line of got) answers.batchAnswerSchema.parse(line);
    const alone = (await ask(`${url}/predict`, { smiles: ['CCO'] })).body.predictions[0];
    expect(got[0]).toEqual({ line: 1, ...alone });
    expect(got.at(-1)).toEqual({ line: 8, id: 7, ...alone });
    expect(got[1]).toMatchObject({ id: 'n', smiles: 'CCN', value: expect.any(Number) });
    expect(got.slice(2, 6).map(({ reason }) => reason)).toEqual([
      'line-unreadable', 'line-unreadable', 'molecule-unparsable', 'line-unreadable',
    ]); // prettier-ignore
    expect((await stream(url, '"C"', '?model=nothing')).status).toBe(404);
    expect((await stream(url, '"C"', '?modle=x')).status).toBe(422);
    expect(await ask(`${url}/predict/batch`, ['C'])).toMatchObject({
      status: 415,
      body: { detail: expect.stringMatching(/x-ndjson/) },
    });
  });

  test('answers while the request still comes in, and is not refused when requests would be', async () => {
    const { url } = await open({ maxMoleculesInFlight: 64 });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const write = (text: string) => writer.write(Buffer.from(text));
    const asked = stream(url, readable);
    await write('"CCO"\n');
    const reader = (await asked).body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toMatch(/^\{"line":1,.*\}\n$/);
    await Promise.all([
      write(
        `${chains(4000, 300)
          .map((one) => JSON.stringify(one))
          .join('\n')}\n`,
      ),
      writer.close(),
    ]);
    let text = '';
    for (let part = await reader.read(); !part.done; part = await reader.read())
      text += Buffer.from(part.value).toString();
    const got = linesOf(text);
    expect(got).toHaveLength(300);
    expect(got.every(({ value }) => typeof value === 'number')).toBe(true);
  });

  test('a client that hangs up stops the work', async () => {
    const { url, metrics } = await open();
    const gone = new AbortController();
    const body = chains(8000, 3000)
      .map((one) => JSON.stringify(one))
      .join('\n');
    const response = await stream(url, body, '', gone.signal);
    await response.body!.getReader().read();
    gone.abort();
    await eventually(async () => figure(await metrics(), 'titrate_inference_molecules_in_flight') === 0);
    const labels = `{model="${CAMPAIGN}",version="v1",outcome="predicted"}`;
    const done = figure(await metrics(), `titrate_inference_molecules_total${labels}`)!;
    expect(done).toBeLessThan(1500);
  });
});

test('figures that a canary is judged by: requests, values and their squares of each version', async () => {
  const { url, metrics } = await open();
  const { predictions } = (await ask(`${url}/predict`, { smiles: [...MOLECULES, 'C1CC'] })).body;
  const values = predictions.flatMap(({ value }: { value?: number }) => (value === undefined ? [] : [value]));
  const text = await metrics();
  const labels = `{model="${CAMPAIGN}",version="v1"}`;
  const sum = (of: (value: number) => number) =>
    values.reduce((total: number, value: number) => total + of(value), 0);
  expect(figure(text, `titrate_inference_predictions_total${labels}`)).toBe(MOLECULES.length);
  expect(figure(text, `titrate_inference_predictions_sum${labels}`)).toBeCloseTo(
    sum((v) => v),
    9,
  );
  expect(figure(text, `titrate_inference_predictions_squares_sum${labels}`)).toBeCloseTo(
    sum((v) => v * v),
    9,
  );
  expect(figure(text, `titrate_inference_predictions_count${labels}`)).toBe(MOLECULES.length);
  expect(text).toContain('# TYPE titrate_inference_predictions summary');
  expect(
    figure(text, `titrate_inference_model_requests_total{model="${CAMPAIGN}",version="v1",outcome="ok"}`),
  ).toBe(1);
  expect(figure(text, `titrate_inference_model_request_duration_seconds_count${labels}`)).toBe(1);
  expect(figure(text, 'titrate_inference_batch_molecules_sum')).toBe(MOLECULES.length + 1);
});

describe('the prediction log', () => {
  const log = (directory: string, changes: object = {}) => ({
    ...{ directory, share: 1, maxRecords: 10, segmentMs: 3_600_000, moleculeIds: true, smiles: false },
    ...{ retainMs: 3_600_000, maxBytes: 1_000_000, ...changes },
  });
  const segmentsOf = (directory: string) => {
    const folder = path.join(directory, CAMPAIGN, 'v1');
    return readdirSync(folder).map((name) =>
      readFileSync(path.join(folder, name), 'utf8').trim().split('\n'),
    );
  };
  const newFolder = () => mkdtempSync(path.join(os.tmpdir(), 'titrate-log-'));

  test('keeps a bounded sample with descriptors, says what it was drawn from, and no molecule', async () => {
    const directory = newFolder();
    const { server, url } = await open({ predictionLog: log(directory) });
    const smiles = chains(0, 30);
    const { predictions } = (await ask(`${url}/predict`, { smiles: [...smiles, 'C1CC'] })).body;
    await server.close();
    const [segment] = segmentsOf(directory);
    const [head, ...records] = segment!.map((line) => JSON.parse(line) as unknown);
    expect(predictionSegmentSchema.parse(head)).toMatchObject({
      ...{ model: CAMPAIGN, version: 'v1', property: 'logS', seen: 30, rejected: 1, records: 10 },
    });
    const { descriptors } = predictionSegmentSchema.parse(head);
    const byId = new Map(predictions.map((one: { moleculeId: string }) => [one.moleculeId, one]));
    for (const record of records.map((one) => predictionRecordSchema.parse(one))) {
      expect(byId.get(record.moleculeId!)).toMatchObject({
        value: record.value,
        nearest: { similarity: record.similarity },
      });
      expect(record.descriptors).toHaveLength(descriptors.length);
      expect(record.descriptors![descriptors.indexOf('NumRings')]).toBe(0);
    }
    for (const text of smiles) expect(segment!.join('\n')).not.toContain(text);
  });

  test('leaves molecules out, or in, as it is told; old files and too many are deleted', async () => {
    const bare = newFolder();
    const first = await open({
      predictionLog: log(bare, { moleculeIds: false, smiles: true, maxBytes: 100 }),
    });
    await ask(`${first.url}/predict`, { smiles: ['OCC'] });
    await first.server.close();
    // What is beyond the size goes at once.
    expect(segmentsOf(bare)).toEqual([]);
    const kept = newFolder();
    const second = await open({ predictionLog: log(kept, { moleculeIds: false, smiles: true }) });
    await ask(`${second.url}/predict`, { smiles: ['OCC'] });
    await second.server.close();
    expect(JSON.parse(segmentsOf(kept)[0]![1]!)).toMatchObject({ moleculeId: null, smiles: 'CCO' });
  });
});

describe('OpenAPI', () => {
  interface Document {
    readonly openapi: string;
    readonly paths: Record<
      string,
      Record<string, { operationId: string; responses: Record<string, unknown> }>
    >;
  }

  test('describes every route that is there, and only those', async () => {
    const { url } = await open();
    const document = (await ask(`${url}/openapi.json`)).body as Document;
    expect(document.openapi).toBe('3.1.0');
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const [at, methods] of Object.entries(document.paths)) {
      const there = at.replace('{name}', CAMPAIGN).replace('{version}', '1');
      for (const method of ['get', 'post']) {
        const response = await fetch(`${url}${there}`, { method: method.toUpperCase() });
        const isThere = !(await response.text()).includes('there is no ');
        expect([method, at, isThere]).toEqual([method, at, method in methods]);
      }
    }
  });

  test('its schemas hold for what is answered', async () => {
    const { url } = await open();
    const model = `${url}/v2/models/${CAMPAIGN}`;
    const input = { name: 'smiles', shape: [2], datatype: 'BYTES', data: ['CCO', 'C1CC'] };
    const cases: [z.ZodType, string, unknown?][] = [
      [answers.serverMetadataSchema, `${url}/v2`],
      [answers.healthSchema, `${url}/v2/health/ready`],
      [answers.modelMetadataSchema, model],
      [answers.modelReadySchema, `${model}/ready`],
      [answers.modelsSchema, `${url}/models`],
      [answers.inferAnswerSchema, `${model}/infer`, { inputs: [input] }],
      [answers.predictAnswerSchema, `${url}/predict`, { smiles: ['CCO', 'C1CC'] }],
      [answers.problemSchema, `${url}/predict`, { smiles: [] }],
      [answers.problemSchema, `${model}x`],
    ];
    for (const [schema, at, body] of cases) {
      const parsed = schema.safeParse((await ask(at, body)).body);
      expect([at, parsed.error?.message]).toEqual([at, undefined]);
    }
  });
});
