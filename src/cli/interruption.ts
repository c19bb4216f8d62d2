import type { Cli } from './context';

/** A signal that fires at the first Ctrl-C (or SIGTERM), after the person has been told what happens now. */
export function interruption(cli: Pick<Cli, 'say'>, words: () => string): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cli.say(words());
      controller.abort();
    });
  }
  return controller.signal;
}
