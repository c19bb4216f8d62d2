import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import { TitrateError } from '../src/contracts';
import type { Settings } from '../src/platform/settings';

let installed = false;

/**
 * The SDK's core, once a process: stopping is ours to decide, and only warnings are worth a line. With `metrics.port` it answers
 * GET /metrics in Prometheus' names: durations in seconds, units and `_total` in the names.
 * @throws TitrateError port-taken
 */
export function installRuntime({ logLevel, metrics }: Pick<Settings, 'logLevel' | 'metrics'>): void {
  if (installed) return;
  const bindAddress = `${metrics.host.includes(':') ? `[${metrics.host}]` : metrics.host}:${metrics.port}`;
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: new DefaultLogger(logLevel === 'silent' ? 'ERROR' : (logLevel.toUpperCase() as LogLevel)),
      telemetryOptions: {
        logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
        ...(metrics.port && {
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
  } catch (error) {
    if (!metrics.port) throw error;
    throw new TitrateError(
      'port-taken',
      {
        what: `metrics cannot be offered there: ${(error as Error).message}`,
        where: bindAddress,
        remedy: 'Give each worker of a machine a port of its own (TITRATE_METRICS_PORT), or none',
      },
      { cause: error },
    );
  }
  installed = true;
}
