import pino from 'pino';
import { asTitrateError } from '../src/contracts';
import { openPorts } from '../src/platform/composition';
import { loadSettings } from '../src/platform/settings';
import { createInferenceServer } from '../src/serving';

/** The inference server as a process: says where it listens on stdout, logs on stderr, drains on SIGTERM. */
async function main(): Promise<void> {
  const settings = loadSettings();
  const ports = openPorts(settings);
  const logger = pino(
    { name: 'inference', level: settings.logLevel },
    pino.destination({ dest: 2, sync: true }),
  );
  const server = createInferenceServer({
    ...ports,
    chemistry: ports.chemistry(),
    learning: ports.learning(),
    logger,
    ...settings.inference,
  });

  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server
      .close()
      .then(() => ports.close())
      .then(() => process.exit(0), fail);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop).once('disconnect', stop);

  const address = await server.start();
  await server.whenReady();
  if (!stopping) process.stdout.write(`inference listening on ${address}\n`);
}

function fail(error: unknown): never {
  process.stderr.write(`inference: ${asTitrateError(error).message}\n`);
  process.exit(1);
}

main().catch(fail);
