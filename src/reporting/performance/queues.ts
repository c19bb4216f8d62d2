import type { QueueWork, RoundWork } from '../../contracts';
import { sum } from './numbers';

/** Queues over all rounds, the one that waited most first. */
export function queuesOf(work: readonly RoundWork[]): QueueWork[] {
  const all = work.flatMap(({ queues }) => queues);
  const names = [...new Set(all.map(({ queue }) => queue))];
  const added = names.map((queue): QueueWork => {
    const own = all.filter((one) => one.queue === queue);
    const total = (of: (one: QueueWork) => number) => sum(own, of);
    const most = (of: (one: QueueWork) => number) => Math.max(...own.map(of));
    return {
      queue,
      activities: total((one) => one.activities),
      waitedSeconds: total((one) => one.waitedSeconds),
      ranSeconds: total((one) => one.ranSeconds),
      busySeconds: total((one) => one.busySeconds),
      blockedSeconds: total((one) => one.blockedSeconds),
      unattendedSeconds: total((one) => one.unattendedSeconds),
      spanSeconds: total((one) => one.spanSeconds),
      mostAtOnce: most((one) => one.mostAtOnce),
      mostWaiting: most((one) => one.mostWaiting),
      workers: most((one) => one.workers),
    };
  });
  return added.sort((a, b) => b.waitedSeconds - a.waitedSeconds);
}
