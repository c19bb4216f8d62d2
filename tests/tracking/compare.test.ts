import fc from 'fast-check';
import type { TrackedRun } from '../../src/contracts';
import { trackedRunId } from '../../src/tracking';
import { holds, missingFromRun } from '../../src/tracking/compare';
import { numbersOf, trackedObject } from '../../src/tracking/values';

const json = fc.jsonValue({ maxDepth: 4 });

test('a value holds itself, after a journey as JSON and among further keys too', () => {
  fc.assert(
    fc.property(json, fc.dictionary(fc.string(), json), (value, further) => {
      const there = JSON.parse(JSON.stringify(value)) as unknown;
      expect(holds(value, there)).toBe(true);
      expect(holds({ value }, { ...further, value: there })).toBe(true);
      expect(holds([value], [there, there])).toBe(false);
    }),
  );
});

test('a number that is not the same number is noticed', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }), (x) => {
      expect(holds({ deep: [x] }, { deep: [x + Math.max(1e-9, Math.abs(x) * 1e-9)] })).toBe(false);
      expect(holds({ deep: [x] }, { deep: [String(x)] })).toBe(false);
      expect(holds({ deep: x }, {})).toBe(false);
    }),
  );
});

test('each part of a run that is not there is named', () => {
  const run: TrackedRun = {
    runId: 'r',
    name: 'run',
    group: 'g',
    jobType: 'training',
    tags: ['t'],
    notes: 'n',
    config: { a: 1 },
    history: [{ step: 0, values: { x: 1 } }],
    summary: { b: 2 },
    tables: [{ name: 'table', columns: ['c'], rows: [[1]] }],
    uses: [{ collection: 'c', version: 'v' }],
  };
  expect(missingFromRun(run, { ...run, history: [...run.history, { step: 1, values: {} }] })).toBeNull();
  const losses: [Partial<TrackedRun>, string][] = [
    [{ group: 'h' }, 'group'],
    [{ tags: [] }, 'tags'],
    [{ config: {} }, 'config'],
    [{ summary: { b: 3 } }, 'summary'],
    [{ history: [] }, 'step 0 of the history'],
    [{ history: [{ step: 0, values: {} }] }, 'step 0 of the history'],
    [{ tables: [{ name: 'table', columns: ['c'], rows: [[2]] }] }, 'table table'],
    [{ uses: [] }, 'its use of c'],
  ];
  for (const [loss, words] of losses) expect(missingFromRun(run, { ...run, ...loss })).toBe(words);
  expect(missingFromRun(run, null)).toBe('the run');
});

test('runs of different things have different ids, of characters that W&B takes, within its length', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
  const thing = fc.tuple(
    name,
    fc.option(fc.nat(10_000)),
    fc.constantFrom('campaign' as const, 'training' as const, 'trial' as const),
    fc.string(),
  );
  fc.assert(
    fc.property(thing, thing, (a, b) => {
      const [idA, idB] = [trackedRunId(...a), trackedRunId(...b)];
      expect(idA).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(idA === idB).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

test('what JSON has no word for is tracked as text, and is no metric', () => {
  expect(trackedObject({ a: NaN, b: undefined, c: [Infinity], d: { e: 1 } })).toEqual({
    a: 'NaN',
    c: ['Infinity'],
    d: { e: 1 },
  });
  expect(numbersOf('metrics', { rmse: 0.5, r2: NaN, inside: { low: -1 }, list: [1] })).toEqual({
    'metrics/rmse': 0.5,
    'metrics/inside/low': -1,
  });
});
