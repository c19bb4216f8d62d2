import { roundSpanId, roundTraceId, runSpanId } from '../../../src/contracts';
import { duration, showTrace, traceView } from '../../../src/cli/trace-view';
import type { StoredSpan } from '../../../src/observability/tracing/read-spans';
import { inOrder, spanTree } from '../../../src/observability/tracing/span-tree';

const ROUND = { campaign: 'c-1', round: 2 };
const work = roundSpanId('c-1', 2, 'round');
const lab = roundSpanId('c-1', 2, 'lab');

const span = (
  name: string,
  parentSpanId: string | null,
  [from, to]: readonly [number, number],
  attributes: StoredSpan['attributes'] = {},
  spanId = name,
): StoredSpan => ({
  ...{ traceId: roundTraceId('c-1', 2), spanId, parentSpanId, name, kind: 'consumer' },
  ...{ startMs: from, endMs: to, failure: null, attributes, links: [] },
  ...{ service: 'titrate-gpu', process: 'host/7' },
});

const shape = (spans: readonly StoredSpan[]) =>
  inOrder(spanTree(spans, ROUND)).map(
    ({ span: { name }, depth, critical, unfinished }) =>
      `${critical ? '*' : ''}${'-'.repeat(depth)}${name}${unfinished ? '?' : ''}`,
  );

describe('a round as a tree', () => {
  const whole = [
    span('round', null, [0, 100], {}, work),
    span('cycle', work, [5, 95]),
    span('featurise', 'cycle', [10, 30]),
    span('trial 1', 'cycle', [31, 50]),
    span('trial 2', 'cycle', [31, 70], { 'titrate.queue_ms': 20, 'temporal.task_queue': 'gpu' }),
    span('rollout', 'cycle', [72, 300], { 'titrate.beside': true }),
    span('register', 'cycle', [75, 94], { 'titrate.queue_ms': 3, 'temporal.task_queue': 'deploy' }),
    span('tracking', 'cycle', [94.2, 94.8], { 'titrate.beside': true }),
    span('lab', work, [100, 5000], { 'titrate.beside': true }, lab),
    span('intake', lab, [200, 210]),
  ];

  test('marks what the end waited for, and nothing that went on beside or was done sooner', () => {
    expect(shape(whole)).toEqual([
      '*round',
      '*-cycle',
      '*--featurise',
      '*--trial 2',
      '--trial 1',
      '--rollout',
      '*--register',
      '--tracking',
      'lab',
      '-intake',
    ]);
  });

  test('of spans in any order is the same', () => {
    expect(shape([...whole].reverse())).toEqual(shape(whole));
  });

  test('stands in for what has not ended: the work, the wait, a workflow by its name', () => {
    const of = { 'temporal.run_id': 'run-7', 'temporal.workflow_type': 'training' };
    const found = shape([
      span('closeCut', work, [1, 2]),
      span('trainModel', runSpanId('run-7'), [10, 20], of),
      span('intake', lab, [200, 210]),
      span('stray', 'f'.repeat(16), [30, 40]),
    ]);
    expect(found).toEqual([
      '*round?',
      '*-closeCut',
      '*-training?',
      '*--trainModel',
      '*-unknown?',
      '*--stray',
      'lab?',
      '-intake',
    ]);
    expect(shape([span('trainModel', runSpanId('run-7'), [10, 20], of)])).toEqual([
      '*round?',
      '*-training?',
      '*--trainModel',
    ]);
  });

  test('is told to people with times, waits and what was longest', () => {
    const nodes = inOrder(spanTree(whole, ROUND));
    const view = traceView({ ...ROUND, traceId: roundTraceId('c-1', 2) }, nodes);
    expect(view.waited).toEqual({
      gpu: { all: 0.02, critical: 0.02 },
      deploy: { all: 0.003, critical: 0.003 },
    });
    const text = showTrace(view);
    expect(text).toContain('c-1, round 2: 0.100 s to the batch, begun 1970-01-01T00:00:00.000Z');
    expect(text).toMatch(/^\* {5}trial 2 +\+0\.031 s +0\.039 s +0\.020 s +gpu/m);
    expect(text).toMatch(/^ {6}rollout \(beside\)/m);
    expect(text).toContain('waited for: trial 2 0.039 s, featurise 0.020 s, register 0.019 s');
    const unfinished = traceView(
      { ...ROUND, traceId: roundTraceId('c-1', 2) },
      inOrder(spanTree([span('closeCut', work, [1, 2])], ROUND)),
    );
    expect(showTrace(unfinished)).toMatch(/round 2: still worked on[\s\S]*round \(not ended, or lost\)/);
  });

  test.each([
    [0.0123, '0.012 s'],
    [12.34, '12.3 s'],
    [242, '4 min 2 s'],
    [12_000, '3 h 20 min'],
    [1_051_200, '12 d 4 h'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
