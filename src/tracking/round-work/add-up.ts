import type { ActivityWork, QueueWork } from '../../contracts';
import type { ActivityExecution } from './executions';

const seconds = (milliseconds: number) => Math.max(0, milliseconds) / 1000;
const sum = <T>(items: readonly T[], of: (item: T) => number) =>
  items.reduce((total, item) => total + of(item), 0);

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}

/** By workflow and activity, in the order in which they first ran. */
export function addUpActivities(executions: readonly ActivityExecution[]): ActivityWork[] {
  return [...groupBy(executions, ({ workflow, activity }) => `${workflow} ${activity}`).values()].map(
    (own) => {
      const { workflow, activity, queue } = own[0]!;
      const steps = own.flatMap(({ step }) => (step ? [step] : []));
      const again = own.filter(({ attempt }) => attempt > 1);
      return {
        ...{ workflow, activity, queue, count: own.length },
        waitedSeconds: sum(own, (one) => (one.attempt > 1 ? 0 : seconds(one.startedAt - one.scheduledAt))),
        ranSeconds: sum(own, (one) => seconds(one.endedAt - one.startedAt)),
        retries: sum(again, ({ attempt }) => attempt - 1),
        lostSeconds: sum(again, (one) => seconds(one.startedAt - one.scheduledAt)),
        failed: own.filter(({ failed }) => failed).length,
        steps: steps.length,
        cached: steps.filter(({ cached }) => cached).length,
        computedSeconds: sum(steps, (step) => (step.cached ? 0 : step.seconds)),
      };
    },
  );
}

/** A change of how many wait or run, at one moment. */
interface Change {
  readonly at: number;
  readonly waiting: number;
  readonly running: number;
}

/** One sweep over the beginnings and ends of what waited and ran in a queue. */
function sweep(changes: readonly Change[]) {
  const ordered = [...changes].sort((a, b) => a.at - b.at);
  const seen = { busy: 0, blocked: 0, unattended: 0, mostAtOnce: 0, mostWaiting: 0 };
  let [waiting, running] = [0, 0];
  for (let i = 0; i < ordered.length;) {
    const { at } = ordered[i]!;
    // Ends and beginnings at one moment are one: a slot that is handed on was never empty.
    for (; i < ordered.length && ordered[i]!.at === at; i++) {
      waiting += ordered[i]!.waiting;
      running += ordered[i]!.running;
    }
    seen.mostAtOnce = Math.max(seen.mostAtOnce, running);
    seen.mostWaiting = Math.max(seen.mostWaiting, waiting);
    const next = ordered[i]?.at ?? at;
    if (running > 0) seen.busy += next - at;
    if (waiting > 0 && running > 0) seen.blocked += next - at;
    if (waiting > 0 && running === 0) seen.unattended += next - at;
  }
  return seen;
}

/** By queue. Attempts before the last are not in the server's histories: an activity that was retried counts from its last start. */
export function addUpQueues(executions: readonly ActivityExecution[]): QueueWork[] {
  return [...groupBy(executions, ({ queue }) => queue).entries()].map(([queue, own]) => {
    const changes = own.flatMap(({ attempt, scheduledAt, startedAt, endedAt }): Change[] => [
      ...(attempt > 1
        ? []
        : [
            { at: scheduledAt, waiting: 1, running: 0 },
            { at: startedAt, waiting: -1, running: 0 },
          ]),
      { at: startedAt, waiting: 0, running: 1 },
      { at: endedAt, waiting: 0, running: -1 },
    ]);
    const seen = sweep(changes);
    const first = own.reduce((least, { startedAt }) => Math.min(least, startedAt), Infinity);
    const last = own.reduce((most, { endedAt }) => Math.max(most, endedAt), 0);
    return {
      queue,
      activities: own.length,
      waitedSeconds: sum(own, (one) => (one.attempt > 1 ? 0 : seconds(one.startedAt - one.scheduledAt))),
      ranSeconds: sum(own, (one) => seconds(one.endedAt - one.startedAt)),
      busySeconds: seconds(seen.busy),
      blockedSeconds: seconds(seen.blocked),
      unattendedSeconds: seconds(seen.unattended),
      spanSeconds: seconds(last - first),
      mostAtOnce: seen.mostAtOnce,
      mostWaiting: seen.mostWaiting,
      workers: new Set(own.map(({ worker }) => worker)).size,
    };
  });
}
