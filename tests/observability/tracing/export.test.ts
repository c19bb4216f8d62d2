import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { SpanKind } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { Collector } from '../../../src/observability/tracing/collector';
import { otlpJson } from '../../../src/observability/tracing/otlp-json';
import { readTrace, tracedRounds } from '../../../src/observability/tracing/read-spans';
import { REQUESTS, SpanFiles } from '../../../src/observability/tracing/span-files';
import { SpanQueue } from '../../../src/observability/tracing/span-queue';
import { spanOf, TRACE } from './support';

const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-spans-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const sent = (exporter: SpanExporter, spans: ReadableSpan[]) =>
  new Promise<ExportResultCode>((resolve) => exporter.export(spans, ({ code }) => resolve(code)));

/** Counts what becomes of spans. */
function tally() {
  const counts = { exported: 0, dropped: 0, failed: 0 };
  return { counts, onSpans: (outcome: keyof typeof counts, count: number) => (counts[outcome] += count) };
}

describe('the queue of spans', () => {
  test('holds so many and no more, never waits, and counts what it drops', async () => {
    const release: (() => void)[] = [];
    const slow: SpanExporter = {
      export: (_spans, done) => release.push(() => done({ code: ExportResultCode.SUCCESS })),
      shutdown: async () => {},
    };
    const { counts, onSpans } = tally();
    const queue = new SpanQueue(slow, { maxSpans: 10, batch: 4, onSpans });
    for (let i = 0; i < 30; i++) queue.onEnd(spanOf({ spanId: String(i) }));
    // Four are on their way, ten wait.
    expect(counts).toEqual({ exported: 0, dropped: 16, failed: 0 });
    const closed = queue.shutdown();
    for (let sending = 0; sending < 4; sending++) {
      while (release.length === 0) await new Promise(setImmediate);
      release.shift()!();
    }
    await closed;
    expect(counts).toEqual({ exported: 14, dropped: 16, failed: 0 });
    queue.onEnd(spanOf({ spanId: 'ff' }));
    expect(counts.dropped).toBe(17);
  });

  test('counts what could not be sent, and goes on', async () => {
    const { counts, onSpans } = tally();
    let tries = 0;
    const broken: SpanExporter = {
      export(_spans, done) {
        if (++tries === 1) throw new Error('no way');
        done({ code: tries === 2 ? ExportResultCode.FAILED : ExportResultCode.SUCCESS });
      },
      shutdown: async () => {},
    };
    const queue = new SpanQueue(broken, { batch: 1, onSpans });
    for (let i = 0; i < 3; i++) queue.onEnd(spanOf({ spanId: String(i) }));
    await queue.forceFlush();
    expect(counts).toEqual({ exported: 1, dropped: 0, failed: 2 });
  });
});

const SPANS = [
  spanOf({ spanId: 'a1', name: 'round', attributes: { 'titrate.campaign': 'c-1', 'titrate.round': 3 } }),
  spanOf({
    spanId: 'a2',
    parentSpanId: 'a1',
    from: 1_700_000_000.25,
    to: 1_700_000_000.75,
    failure: 'it broke',
    attributes: { share: 0.5, whole: 7, yes: true, list: ['a', 'b'], absent: undefined },
  }),
];

test('spans are written as the SDK writes OTLP JSON', () => {
  type Tree = { [key: string]: unknown };
  const theirs = JSON.parse(Buffer.from(JsonTraceSerializer.serializeRequest(SPANS)!).toString()) as Tree;
  // What says nothing is left out, and numbers of 64 bits are text, as the specification has it.
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value)
      .filter(
        ([key, of]) =>
          !/^dropped|^events$|^flags$/.test(key) && !(key === 'links' && !(of as unknown[]).length),
      )
      .map(([key, of]) => [key, key === 'intValue' ? String(of) : plain(of)] as const);
    // An attribute without a value says nothing.
    return Object.fromEntries(entries.filter(([, of]) => of !== undefined));
  };
  const ours = plain(JSON.parse(JSON.stringify(otlpJson(SPANS))));
  const expected = JSON.parse(
    JSON.stringify(plain(theirs)).replace(',{"key":"absent","value":{}}', ''),
  ) as unknown;
  expect(ours).toEqual(expected);
});

describe('files of spans', () => {
  test('are read back whole, once each, whatever was cut off', async () => {
    const at = path.join(directory, 'whole');
    const files = new SpanFiles(at, 'titrate-gpu');
    expect(await sent(files, SPANS)).toBe(ExportResultCode.SUCCESS);
    // A task that was done twice tells of its span twice.
    await sent(files, [SPANS[1]!, spanOf({ spanId: 'b1', traceId: 'b'.repeat(32) })]);
    const [name] = readdirSync(at).filter((file) => file.endsWith('.jsonl'));
    expect(name).toMatch(/^titrate-gpu-\d{8}T\d{6}Z-\d+\.jsonl$/);
    appendFileSync(path.join(at, name!), `{"resourceSpans":[{"traceId":"${TRACE}`);
    const spans = await readTrace(at, TRACE);
    expect(spans.map((span) => span.name)).toEqual(['round', 'a2'.padStart(2, '0')]);
    expect(spans[1]).toEqual({
      traceId: TRACE,
      spanId: 'a2'.padStart(16, '0'),
      parentSpanId: 'a1'.padStart(16, '0'),
      name: 'a2',
      kind: 'consumer',
      startMs: 1_700_000_000_250,
      endMs: 1_700_000_000_750,
      failure: 'it broke',
      attributes: { share: 0.5, whole: 7, yes: true },
      links: [],
      service: 'titrate-gpu',
      process: 'host/7',
    });
    expect(await tracedRounds(at, 'c-1')).toEqual([3]);
    expect(await tracedRounds(at, 'c')).toEqual([]);
    expect(await readTrace(path.join(directory, 'nowhere'), TRACE)).toEqual([]);
  });

  test('keep requests from outside apart, and delete what is older than 90 days', async () => {
    const at = path.join(directory, 'apart');
    mkdirSync(at);
    const old = path.join(at, 'titrate-gpu-old.jsonl');
    writeFileSync(old, '');
    utimesSync(old, new Date('2020-01-01'), new Date('2020-01-01'));
    writeFileSync(path.join(at, 'notes.txt'), 'not ours');
    utimesSync(path.join(at, 'notes.txt'), new Date('2020-01-01'), new Date('2020-01-01'));
    const files = new SpanFiles(at, 'titrate-inference');
    await sent(files, [
      spanOf({ spanId: '1', kind: SpanKind.SERVER }),
      spanOf({ spanId: '2', kind: SpanKind.SERVER, parentSpanId: '9' }),
    ]);
    expect(readdirSync(at).map((file) => file.replace(/Z-\d+/, ''))).toEqual(
      expect.arrayContaining(['notes.txt', REQUESTS]),
    );
    expect(readdirSync(at)).not.toContain('titrate-gpu-old.jsonl');
    expect((await readTrace(at, TRACE)).map(({ name }) => name)).toEqual(['2']);
    expect((await readTrace(path.join(at, REQUESTS), TRACE)).map(({ name }) => name)).toEqual(['1']);
  });

  test('that cannot be written have failed', async () => {
    writeFileSync(path.join(directory, 'in-the-way'), '');
    const files = new SpanFiles(path.join(directory, 'in-the-way', 'traces'), 'titrate-gpu');
    expect(await sent(files, SPANS)).toBe(ExportResultCode.FAILED);
  });
});

test('a collector is sent OTLP over HTTP, and one that refuses has failed', async () => {
  const asked: { url?: string; type?: string; names: string[] }[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(body) as ReturnType<typeof otlpJson>;
      const names = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
      asked.push({
        url: request.url,
        type: request.headers['content-type'],
        names: names.map(({ name }) => name),
      });
      response.writeHead(asked.length === 1 ? 200 : 400).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const collector = new Collector(`http://127.0.0.1:${port}/v1/traces`);
  expect(await sent(collector, SPANS)).toBe(ExportResultCode.SUCCESS);
  expect(await sent(collector, SPANS)).toBe(ExportResultCode.FAILED);
  expect(asked[0]).toEqual({ url: '/v1/traces', type: 'application/json', names: ['round', 'a2'] });
  await collector.shutdown();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
