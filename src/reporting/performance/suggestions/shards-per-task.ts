import { SHARDS_PER_TASK } from '../../../contracts';
import { duration, plural } from '../../format';
import { sum } from '../numbers';
import { suggest, type Rule } from './rule';

/** CPU-seconds that a scoring task takes beside its scoring (docs/benchmarks.md, A pool shared out). */
const TASK_SECONDS = 0.25;
/** Tasks that are shorter than this many times what they take by themselves are too small. */
const SHORT = 4;
const FEWER = 4;

/** A pool shared out in pieces too small. */
export const shardsPerTask: Rule = ({ time, input: { work, record } }) => {
  const own = work.flatMap(({ activities }) =>
    activities.filter(({ activity }) => activity === 'scoreCandidates'),
  );
  const tasks = sum(own, ({ steps, cached }) => steps - cached);
  const seconds = sum(own, ({ computedSeconds }) => computedSeconds);
  if (tasks < FEWER || seconds / tasks > SHORT * TASK_SECONDS) return null;
  const shards = record.config.acquisition.shardsPerTask ?? SHARDS_PER_TASK;
  return suggest(
    'shards-per-task',
    {
      kind: 'work',
      amount: Math.min(seconds, tasks * TASK_SECONDS) * (1 - 1 / FEWER),
      of: time.workSeconds,
    },
    {
      suggestion: `Score more in one task: acquisition.shardsPerTask from ${shards} to ${FEWER * shards}`,
      figure: `${plural(tasks, 'scoring task')} took ${duration(seconds / tasks)} each, of which ${duration(TASK_SECONDS)} are what a task takes by itself`,
    },
  );
};
