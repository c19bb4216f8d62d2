import { InvalidArgumentError, type Command } from 'commander';
import pc from 'picocolors';
import { startLocalStack, type LocalStack } from '../../platform/local-stack';
import { homePaths } from '../../platform/settings';
import { createCli, settingsOf, type GlobalOptions } from '../context';
import { facts } from '../table';

interface UpOptions extends GlobalOptions {
  readonly temporalPort?: number;
  readonly uiPort?: number;
  readonly inferencePort?: number;
  readonly freePorts?: boolean;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('Expected a port, 0 to 65535.');
  return value;
}

/** Where metrics are, in one line: addresses differ in their ports. */
function metricsWords(places: LocalStack['metrics']): string {
  const byHost = new Map<string, string[]>();
  for (const { name, url } of places) {
    const { hostname, port } = new URL(url);
    byHost.set(hostname, [...(byHost.get(hostname) ?? []), `${port} ${name}`]);
  }
  return [...byHost].map(([host, ports]) => `http://${host}:PORT/metrics (${ports.join(', ')})`).join(', ');
}

/** Tells on standard error what the stack's processes do. */
export function narrate({ events }: Pick<LocalStack, 'events'>, say: (line: string) => void): void {
  events.on('orphan', (name) => say(`ended ${name}, left over from a run that was killed`));
  events.on('exited', (name, code, signal) =>
    say(pc.yellow(`${name} ended (${signal ?? `exit code ${code}`})`)),
  );
  events.on('restarting', (name, pause) => say(`${name} starts again in ${pause / 1000} s`));
  events.on('ready', (name) => say(`${name} is ready`));
}

/** Resolves with the first signal that asks this process to end; a second one ends it at once. */
export function untilAsked(): { readonly asked: Promise<NodeJS.Signals>; readonly abort: AbortSignal } {
  const controller = new AbortController();
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (controller.signal.aborted && signal === 'SIGINT') process.exit(130);
        controller.abort();
        resolve(signal);
      });
    }
  });
  return { asked, abort: controller.signal };
}

/** `titrate up`: the whole local stack in the foreground, until Ctrl-C. */
export function upVerb(program: Command): void {
  program
    .command('up')
    .description('start the local stack: Temporal, a worker for each task queue, the inference server')
    .option('--temporal-port <port>', 'port of the Temporal server (default: 7233)', port)
    .option('--ui-port <port>', "port of Temporal's web page (default: 8233)", port)
    .option('--inference-port <port>', 'port of the inference server (default: 8090)', port)
    .option('--free-ports', 'take any free ports')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<UpOptions>();
      const settings = settingsOf(options, {
        temporal: { port: options.temporalPort, uiPort: options.uiPort },
        inference: { port: options.inferencePort },
      });
      const cli = createCli(options, settings);
      const { asked, abort } = untilAsked();
      cli.say('starting the local stack');
      const stack = await startLocalStack({
        settings,
        ports: options.freePorts ? 'free' : 'fixed',
        signal: abort,
      });
      narrate(stack, cli.say);
      const addresses = {
        temporal: stack.address,
        temporalUi: stack.uiUrl,
        inference: stack.inferenceUrl,
        home: stack.settings.home,
        workingDirectory: stack.settings.workingDirectory,
        logs: homePaths(stack.settings).logs,
        metrics: stack.metrics,
        processes: stack.processes().map(({ name, pid }) => ({ name, pid })),
      };
      cli.result(addresses, (a) =>
        facts([
          ['Temporal', a.temporal],
          ["Temporal's web page", a.temporalUi],
          ['inference server', a.inference],
          ['data', a.home],
          ['sources start at', a.workingDirectory],
          ['logs', a.logs],
          ['metrics', metricsWords(a.metrics)],
        ]),
      );
      cli.say('ready; Ctrl-C stops it');
      await asked;
      cli.say('stopping');
      stack.events.removeAllListeners();
      await stack.stop();
      process.exitCode = 0;
    });
}
