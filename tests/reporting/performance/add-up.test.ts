import fc from 'fast-check';
import {
  addUpActivities,
  addUpQueues,
  readHistory,
  type ActivityExecution,
  type History,
} from '../../../src/tracking';

const execution = (changes: Partial<ActivityExecution>): ActivityExecution => ({
  ...{ workflow: 'exploration', activity: 'runTrial', queue: 'gpu', attempt: 1, failed: false },
  ...{ scheduledAt: 0, startedAt: 0, endedAt: 1000, worker: '1@a', step: null },
  ...changes,
});

test('three at once in one slot: two waited while one ran', () => {
  const executions = [0, 1, 2].map((i) =>
    execution({ startedAt: 1000 * i, endedAt: 1000 * (i + 1), step: { cached: i === 2, seconds: 1 } }),
  );
  expect(addUpQueues(executions)).toEqual([
    {
      ...{ queue: 'gpu', activities: 3, waitedSeconds: 3, ranSeconds: 3, busySeconds: 3, blockedSeconds: 2 },
      ...{ unattendedSeconds: 0, spanSeconds: 3, mostAtOnce: 1, mostWaiting: 2, workers: 1 },
    },
  ]);
  expect(addUpActivities(executions)).toEqual([
    {
      ...{ workflow: 'exploration', activity: 'runTrial', queue: 'gpu', count: 3, waitedSeconds: 3 },
      ...{ ranSeconds: 3, retries: 0, lostSeconds: 0, failed: 0, steps: 3, cached: 1, computedSeconds: 2 },
    },
  ]);
});

test('work that nobody took up is unattended, and of a retried one what went before its last attempt is lost', () => {
  const away = execution({ startedAt: 4000, endedAt: 5000 });
  const again = execution({
    scheduledAt: 6000,
    startedAt: 16_000,
    endedAt: 17_000,
    attempt: 3,
    worker: '2@a',
  });
  expect(addUpQueues([away, again])[0]).toMatchObject({
    ...{ waitedSeconds: 4, unattendedSeconds: 4, blockedSeconds: 0, busySeconds: 2, workers: 2 },
  });
  expect(addUpActivities([away, again])[0]).toMatchObject({ retries: 2, lostSeconds: 10, waitedSeconds: 4 });
});

test('whatever ran, a queue was busy for no longer than its span and than the sum of what ran', () => {
  const one = fc
    .record({
      scheduledAt: fc.nat(10_000),
      wait: fc.nat(1000),
      run: fc.nat(1000),
      attempt: fc.constantFrom(1, 1, 2),
    })
    .map(({ scheduledAt, wait, run, attempt }) =>
      execution({ scheduledAt, startedAt: scheduledAt + wait, endedAt: scheduledAt + wait + run, attempt }),
    );
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 40 }), (executions) => {
      const [queue] = addUpQueues(executions);
      const slack = 1e-9;
      expect(queue!.busySeconds).toBeLessThanOrEqual(queue!.spanSeconds + slack);
      expect(queue!.busySeconds).toBeLessThanOrEqual(queue!.ranSeconds + slack);
      expect(queue!.ranSeconds).toBeLessThanOrEqual(queue!.mostAtOnce * queue!.busySeconds + slack);
      expect(queue!.blockedSeconds).toBeLessThanOrEqual(queue!.busySeconds + slack);
      expect(queue!.blockedSeconds + queue!.unattendedSeconds).toBeLessThanOrEqual(
        queue!.waitedSeconds + slack,
      );
    }),
  );
});

test('a history without an end, or with an activity under way, is read as far as it goes', () => {
  expect(readHistory({} as History)).toEqual({
    ...{ workflow: '', startedAt: 0, endedAt: null, activities: [], children: [] },
  });
});
