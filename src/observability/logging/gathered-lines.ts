import type { DestinationStream } from 'pino';

/** What lines are written to. */
export interface LineSink {
  write(line: string): void;
  /** Writes what `write` has kept back. */
  flushSync(): void;
}

/** How long a line waits for others, ms. A write of its own for each costs a busy worker 1 to 2 % of its thread. */
const GATHER_MS = 100;
/** pino's number of `warn`: from there on a line goes out at once, with those before it. */
const URGENT = 40;

/**
 * Lines that go out together: a tenth of a second after the first at the latest, at once with one that says something is wrong, and at the end of
 * the process. Only a process that is killed outright takes its last tenth of a second along.
 */
export function gatheredLines(sink: LineSink): DestinationStream {
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    sink.flushSync();
  };
  process.on('exit', flush);
  const stream = {
    /** Set by pino before each line, because of the symbol. */
    lastLevel: 0,
    [Symbol.for('pino.metadata')]: true,
    write(line: string) {
      sink.write(line);
      if (stream.lastLevel >= URGENT) flush();
      // Lines alone keep no process alive.
      else timer ??= setTimeout(flush, GATHER_MS).unref();
    },
  };
  return stream;
}
