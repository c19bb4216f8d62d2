import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { release } from '../../foundation';

/** Gauges of prom-client whose names Prometheus takes for counters. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];
/** How finely the event loop's delay is sampled, ms: prom-client's own 10 wakes an idle process a hundred times a second. */
const EVENT_LOOP_PRECISION_MS = 100;

const started = new WeakSet<Registry>();

/** What the process itself uses: CPU, memory, file descriptors, event loop, garbage collection; and which release it is. Once a registry. */
export function observeProcess(registry: Registry): void {
  if (started.has(registry)) return;
  started.add(registry);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  new Gauge({
    name: 'titrate_build_info',
    help: '1, with the release that runs.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: release }, 1);
}
