import { setMaxListeners } from 'node:events';
import type { Cli } from './context';

/** A signal that fires at the first Ctrl-C (or SIGTERM), after the person has been told what happens now. */
export function interruption(cli: Pick<Cli, 'say'>, words: () => string): AbortSignal {
  const controller = new AbortController();
  // Every part of the work in hand listens to it: many at a time are no leak.
  setMaxListeners(0, controller.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cli.say(words());
      controller.abort();
    });
  }
  return controller.signal;
}
