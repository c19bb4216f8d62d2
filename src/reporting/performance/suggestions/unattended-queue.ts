import { duration } from '../../format';
import { suggest, type Rule } from './rule';

/** Work that waited with nothing of the campaign running: the worker was away, was starting, or did something else. */
export const unattendedQueue: Rule = ({ queues, time }) => {
  const [worst] = [...queues].sort((a, b) => b.unattendedSeconds - a.unattendedSeconds);
  if (!worst) return null;
  return suggest(
    'unattended-queue',
    { kind: 'rounds', amount: worst.unattendedSeconds, of: time.machineSeconds },
    {
      suggestion: `See that a worker of ${worst.queue} is there when a round begins: keep one (its least number above 0), or give other campaigns workers of their own`,
      figure: `for ${duration(worst.unattendedSeconds)} work waited in ${worst.queue} and none of this campaign's ran there`,
    },
  );
};
