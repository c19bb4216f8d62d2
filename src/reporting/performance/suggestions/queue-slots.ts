import { duration, number, plural } from '../../format';
import { suggest, type Rule } from './rule';

/** Queues that more of the same worker serves faster; the warehouse has one writer, and effects are quick. */
const SCALABLE = {
  gpu: { threads: 'TITRATE_LEARNING_THREADS (threads.learning)', pods: 'the gpu workers' },
  featurization: {
    threads: 'TITRATE_CHEMISTRY_THREADS (threads.chemistry)',
    pods: 'the featurization workers',
  },
} as const;

/**
 * Work that waited while other work of the same campaign ran: there were too few slots. With n slots for m the time of such queueing
 * shrinks to m / n of it at best; more than there are cores help nobody.
 */
export const queueSlots: Rule = ({ queues, time, input: { installation } }) => {
  const found = queues.flatMap((queue) => {
    if (!(queue.queue in SCALABLE)) return [];
    const { mostAtOnce, mostWaiting, blockedSeconds } = queue;
    const wanted = mostAtOnce + mostWaiting;
    const slots = Math.min(wanted, installation.cores ?? 2 * mostAtOnce);
    if (slots <= mostAtOnce) return [];
    return [{ queue, slots, saved: blockedSeconds * (1 - mostAtOnce / slots) }];
  });
  const [worst] = found.sort((a, b) => b.saved - a.saved);
  if (!worst) return null;
  const { queue, slots, saved } = worst;
  const { threads, pods } = SCALABLE[queue.queue as keyof typeof SCALABLE];
  const here = installation.cores !== null;
  return suggest(
    'queue-slots',
    { kind: 'rounds', amount: saved, of: time.machineSeconds },
    {
      suggestion: here
        ? `Let the queue ${queue.queue} run ${slots} at once: set ${threads} to ${slots} and start the workers anew`
        : `Let the queue ${queue.queue} run ${slots} at once: raise the bounds of ${pods}`,
      figure:
        `${plural(queue.activities, 'activity', 'activities')} of ${queue.queue} waited ${duration(queue.waitedSeconds)} in all and ran ${duration(queue.ranSeconds)}; ` +
        `for ${duration(queue.blockedSeconds)} some waited (up to ${number(queue.mostWaiting)}) while at most ${queue.mostAtOnce} ran` +
        (here ? `, on a machine with ${installation.cores} cores` : ''),
    },
  );
};
