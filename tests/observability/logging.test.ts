import { spawnSync } from 'node:child_process';
import { context, trace, TraceFlags } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { compiledEntry } from '../../src/foundation';
import { createLogger, withLogContext } from '../../src/observability/logging';
import { gatheredLines } from '../../src/observability/logging/gathered-lines';
import { AsyncContextManager } from '../../src/observability/tracing/context-manager';
import { logThrough } from '../../workers/temporal-log';
import { eventually } from '../support/eventually';

function capture(level: Parameters<typeof createLogger>[0] = 'info') {
  const lines: string[] = [];
  const logger = createLogger(level, 'worker', { write: (line: string) => lines.push(line) });
  return { logger, lines, told: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line is one JSON object, with its time, level, severity as Cloud Logging names it, and message', () => {
  const { logger, lines, told } = capture('debug');
  logger.debug({}, 'looked');
  logger.warn({ error: 'a\nb' }, 'strange\nthing');
  expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(told()).toMatchObject([
    { level: 'debug', severity: 'DEBUG', name: 'worker', message: 'looked' },
    { level: 'warn', severity: 'WARNING', message: 'strange\nthing', error: 'a\nb' },
  ]);
  expect(new Date(told()[0]!.time as string).toISOString()).toBe(told()[0]!.time);
});

test('lines below the level are not written', () => {
  const { logger, lines } = capture('error');
  logger.warn({}, 'no');
  logger.error({}, 'yes');
  expect(lines).toHaveLength(1);
  const silent = capture('silent');
  silent.logger.error({}, 'no');
  expect(silent.lines).toEqual([]);
});

test('a line says whose work it is about, also after something was awaited, and beside another one', async () => {
  const { logger, told } = capture();
  const work = (campaign: string, round: number) =>
    withLogContext({ campaign, round, step: 'training' }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      withLogContext({ attempt: 2 }, () => logger.info({ seconds: 1 }, 'done'));
    });
  await Promise.all([work('esol-1', 3), work('esol-2', 7)]);
  logger.info({}, 'idle');
  expect(told()).toMatchObject([
    { campaign: 'esol-1', round: 3, step: 'training', attempt: 2, seconds: 1 },
    { campaign: 'esol-2', round: 7, step: 'training', attempt: 2 },
    { message: 'idle' },
  ]);
  expect(told()[2]).not.toHaveProperty('campaign');
});

describe('lines that go out together', () => {
  const gather = () => {
    const written: string[] = [];
    const waiting: string[] = [];
    const sink = {
      write: (line: string) => void waiting.push(line),
      flushSync: () => void written.push(...waiting.splice(0)),
    };
    const logger = createLogger('info', 'worker', gatheredLines(sink));
    const said = () => written.map((line) => (JSON.parse(line) as { message: string }).message);
    return { logger, said };
  };

  test('wait for others, and soon go out by themselves', async () => {
    const { logger, said } = gather();
    logger.info({}, 'one');
    logger.info({}, 'two');
    expect(said()).toEqual([]);
    await eventually(
      async () => said(),
      (lines) => lines.length === 2,
      { seconds: 10, every: 10 },
    );
    logger.info({}, 'three');
    await eventually(
      async () => said(),
      (lines) => lines.length === 3,
      { seconds: 10, every: 10 },
    );
  });

  test('go out at once, in order, with one that says something is wrong', () => {
    const { logger, said } = gather();
    logger.info({}, 'one');
    logger.warn({}, 'two');
    expect(said()).toEqual(['one', 'two']);
    logger.error({}, 'three');
    expect(said()).toEqual(['one', 'two', 'three']);
  });

  test.each([
    ['ends', '', 0],
    ['is ended', 'process.exit(3);', 3],
    ['fails', 'throw new Error("on purpose");', 1],
  ])('are not lost when a process %s', (_how, end, code) => {
    const script = `const { createLogger } = require(${JSON.stringify(compiledEntry('src/observability/logging/index'))});
      createLogger('info', 'worker').info({}, 'the last words'); ${end}`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect([status, stderr.includes('the last words')]).toEqual([code, true]);
  });
});

test('a line leads to the span that is open', () => {
  const manager = new AsyncContextManager();
  context.setGlobalContextManager(manager.enable());
  try {
    const { logger, told } = capture();
    const span = new BasicTracerProvider().getTracer('test').startSpan('round');
    context.with(trace.setSpan(context.active(), span), () => logger.info({}, 'in it'));
    logger.info({}, 'outside');
    const { traceId, spanId, traceFlags } = span.spanContext();
    expect(traceFlags).toBe(TraceFlags.SAMPLED);
    expect(told()[0]).toMatchObject({ traceId, spanId });
    expect(told()[1]).not.toHaveProperty('traceId');
  } finally {
    context.disable();
  }
});

test("what the SDK and workflows say comes through in our words: the activity's name, errors with their stack, no tokens", () => {
  const { logger, told } = capture('debug');
  const log = logThrough(logger);
  const error = new Error('the disk is full');
  const meta = { activityType: 'trainModel', workflowId: 'esol-42', taskToken: 'x', error };
  log({ level: 'WARN', timestampNanos: 0n, message: 'Activity failed', meta });
  log({ level: 'TRACE', timestampNanos: 0n, message: 'polled' });
  expect(told()).toMatchObject([
    { severity: 'WARNING', activity: 'trainModel', workflowId: 'esol-42', error: expect.stringContaining('disk is full') },
    { severity: 'DEBUG', message: 'polled' },
  ]); // prettier-ignore
  expect(told()[0]).not.toHaveProperty('taskToken');
});
