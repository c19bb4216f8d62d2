import { duration, plural } from '../../format';
import { suggest, type Rule } from './rule';

/** Cores that chemistry was not allowed to use. */
export const chemistryThreads: Rule = ({ queues, time, input: { installation } }) => {
  const { cores, threads } = installation;
  if (cores === null || threads.chemistry >= cores) return null;
  const queue = queues.find((one) => one.queue === 'featurization');
  if (!queue) return null;
  return suggest(
    'chemistry-threads',
    {
      kind: 'rounds',
      amount: queue.busySeconds * (1 - threads.chemistry / cores),
      of: time.machineSeconds,
    },
    {
      suggestion: `Set TITRATE_CHEMISTRY_THREADS (threads.chemistry) from ${threads.chemistry} to ${cores}`,
      figure: `chemistry ran for ${duration(queue.busySeconds)} on ${plural(threads.chemistry, 'thread')} of a machine with ${cores} cores`,
    },
  );
};
