import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { TASK_QUEUES, type TaskQueue } from '../../src/contracts';
import { createFileExclusive } from '../../src/foundation';
import { homePaths, loadSettings } from '../../src/platform/settings';
import { main } from '../../workers/run-worker';

/** One planned fault: when this activity begins (or has done its work, unreported), this process is killed. Once. */
export interface Fault {
  readonly id: string;
  readonly activity: string;
  readonly phase: 'before' | 'after';
  readonly kill: string;
}

const settings = loadSettings();
const faults = JSON.parse(readFileSync(process.env.TITRATE_TEST_FAULTS!, 'utf8')) as Fault[];
const run = homePaths(settings).run;

async function strike(activity: string, phase: Fault['phase']): Promise<void> {
  for (const fault of faults.filter(
    (candidate) => candidate.activity === activity && candidate.phase === phase,
  )) {
    if (!(await createFileExclusive(path.join(settings.home, 'faults', fault.id), ''))) continue;
    const { pid } = JSON.parse(readFileSync(path.join(run, `${fault.kill}.pid`), 'utf8')) as { pid: number };
    appendFileSync(path.join(settings.home, 'faults.log'), `${fault.id}\n`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It had just died of another fault and is being started again.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    // A process that kills itself goes no further than this.
    if (pid === process.pid) await delay(60_000);
  }
}

const interceptor: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      await strike(context.info.activityType, 'before');
      const result = await next(input);
      await strike(context.info.activityType, 'after');
      return result;
    },
  },
});

const queue = process.env.TITRATE_TEST_QUEUE;
if (!TASK_QUEUES.includes(queue as TaskQueue)) throw new Error(`no queue '${queue}'`);
main(queue as TaskQueue, { settings, interceptors: { activity: [interceptor] } });
