import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import {
  CampaignSeries,
  createMetrics,
  observeProcess,
  openMetricsEndpoint,
  SharedCpu,
  type Metrics,
} from '../src/observability';
import { createLogger, type Logger } from '../src/observability/logging';
import { freePorts } from '../src/platform/local-stack/ports';
import type { Settings } from '../src/platform/settings';
import { logThrough } from './temporal-log';

/** What the workers of one process share. */
export interface WorkerRuntime {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly cpu: SharedCpu;
  readonly series: CampaignSeries;
}

const LOOPBACK = '127.0.0.1';
/** A port that was free a moment ago may be somebody else's by now. */
const PORT_TRIES = 5;

let installed: Promise<WorkerRuntime> | undefined;

/**
 * The SDK's core and what this process counts and logs, once a process: stopping is ours to decide, and only warnings of the core are
 * worth a line. With `metrics.port` it answers GET /metrics in Prometheus' names: durations in seconds, units and `_total` in the names.
 * @throws TitrateError port-taken
 */
export function installRuntime(settings: Pick<Settings, 'logLevel' | 'metrics'>): Promise<WorkerRuntime> {
  return (installed ??= install(settings));
}

async function install(settings: Pick<Settings, 'logLevel' | 'metrics'>): Promise<WorkerRuntime> {
  const { logLevel } = settings;
  const { mode, host, port } = settings.metrics;
  const metrics = createMetrics();
  const { registry } = metrics;
  const logger = createLogger(logLevel, 'worker');
  const cpu = new SharedCpu((seconds) => metrics.training.gpuBusy.inc(seconds));
  if (mode === 'on' && port !== undefined) {
    observeProcess(registry);
    let exporter: string | null = null;
    const onRead = () => cpu.settle();
    await openMetricsEndpoint({ host, port, registry, exporter: () => exporter, onRead });
    exporter = await installWithExporter(logLevel, logger);
  } else {
    Runtime.install(optionsFor(logLevel, logger));
  }
  return { metrics, logger, cpu, series: new CampaignSeries(registry) };
}

/** @returns where the SDK answers for its own metrics: a port of this machine that only we ask. */
async function installWithExporter(logLevel: Settings['logLevel'], logger: Logger): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const [port] = await freePorts(LOOPBACK, 1);
    const bindAddress = `${LOOPBACK}:${port}`;
    try {
      Runtime.install(optionsFor(logLevel, logger, bindAddress));
      return `http://${bindAddress}/metrics`;
    } catch (error) {
      if (attempt >= PORT_TRIES) throw error;
    }
  }
}

const optionsFor = (logLevel: Settings['logLevel'], logger: Logger, bindAddress?: string) => ({
  shutdownSignals: [],
  logger: new DefaultLogger(
    logLevel === 'silent' ? 'ERROR' : (logLevel.toUpperCase() as LogLevel),
    logThrough(logger),
  ),
  telemetryOptions: {
    logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
    ...(bindAddress && {
      metrics: {
        prometheus: {
          bindAddress,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
    }),
  },
});
