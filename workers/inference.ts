import { fork } from 'node:child_process';
import { asTitrateError } from '../src/contracts';
import { compiledEntry } from '../src/foundation';
import { observeProcess } from '../src/observability';
import { createServingLog } from '../src/observability/logging';
import { openPorts } from '../src/platform/composition';
import { openSigner } from '../src/platform/evidence';
import { inferenceOptions } from '../src/platform/inference-options';
import { internalAuthenticator } from '../src/platform/internal-key';
import { loadSettings } from '../src/platform/settings';
import { openTracing } from '../src/platform/tracing';
import { createInferenceServer, signedOnly } from '../src/serving';
import { serveUntilTold } from './serve-until-told';

/** The inference server as a process: says where it listens on stdout, logs on stderr, drains on SIGTERM. */
async function main(): Promise<void> {
  const settings = loadSettings();
  const options = inferenceOptions(settings);
  const ports = openPorts(settings);
  const { registry } = ports.metrics;
  if (settings.metrics.mode === 'on') observeProcess(registry);
  const tracing = openTracing(settings, 'inference', ports.metrics.registry);
  const logger = createServingLog(settings.logLevel);
  const server = createInferenceServer({
    ...ports,
    registry: signedOnly(ports.registry, openSigner(ports.objects, process.env)),
    chemistry: ports.chemistry(),
    learning: ports.learning(),
    logger,
    ...(settings.metrics.mode === 'on' && { processMetrics: () => registry.metrics() }),
    ...options,
    traceShare: tracing?.options.requests,
    access: {
      ...options.access,
      internal: internalAuthenticator(settings, options.access.authenticator === null),
    },
    traffic: {
      launch: (version) =>
        fork(compiledEntry('workers/candidate'), [version.id], {
          stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
          execArgv: ['--enable-source-maps'],
        }),
    },
  });

  const isStopping = serveUntilTold(server, ports, fail);

  const address = await server.start();
  await server.whenReady();
  if (!isStopping()) process.stdout.write(`inference listening on ${address}\n`);
}

function fail(error: unknown): never {
  process.stderr.write(`inference: ${asTitrateError(error).message}\n`);
  process.exit(1);
}

main().catch(fail);
