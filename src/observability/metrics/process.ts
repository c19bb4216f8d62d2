import { performance } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed';
import memory from 'prom-client/lib/metrics/osMemoryHeap';
import cpu from 'prom-client/lib/metrics/processCpuTotal';
import maxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors';
import openFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors';
import startTime from 'prom-client/lib/metrics/processStartTime';
import nodeVersion from 'prom-client/lib/metrics/version';
import { release } from '../../foundation';

/**
 * Of prom-client's default metrics those that are read when somebody asks. Its garbage collection is left out, since an observer of it costs
 * 0.1 to 0.25 ms a collection, and its lag of the event loop, for which a timer wakes an idle process all the time.
 */
const READ_WHEN_ASKED = [
  cpu,
  startTime,
  memory,
  openFileDescriptors,
  maxFileDescriptors,
  heapSizeAndUsed,
  nodeVersion,
];

const started = new WeakSet<Registry>();

/** What the process itself uses: CPU, memory, file descriptors, event loop; and which release it is. Once a registry. */
export function observeProcess(registry: Registry): void {
  if (started.has(registry)) return;
  started.add(registry);
  for (const collect of READ_WHEN_ASKED) collect(registry);
  observeEventLoop(registry);
  new Gauge({
    name: 'titrate_build_info',
    help: '1, with the release that runs.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: release }, 1);
}

/** libuv's own count, which costs nothing until it is read. */
function observeEventLoop(registry: Registry): void {
  let last = performance.eventLoopUtilization();
  new Counter({
    name: 'nodejs_eventloop_seconds_total',
    help: 'Time of the event loop of the main thread, by state: active (its rate is how busy the thread is) or idle.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization();
      this.inc({ state: 'active' }, Math.max(0, now.active - last.active) / 1000);
      this.inc({ state: 'idle' }, Math.max(0, now.idle - last.idle) / 1000);
      last = now;
    },
  });
}
