import { Presets, SingleBar } from 'cli-progress';

/** Quicker work needs no bar, milliseconds. */
const SHOW_AFTER_MS = 2000;

export interface Progress {
  update(done: number, total?: number): void;
  stop(): void;
}

/** A progress bar on standard error, if that is a terminal and the work takes longer than two seconds. */
export function createProgress(label: string, total: number): Progress {
  if (!process.stderr.isTTY) return { update() {}, stop() {} };
  const startedAt = performance.now();
  let bar: SingleBar | null = null;
  let known = total;
  return {
    update(done, newTotal = known) {
      known = newTotal;
      if (!bar && performance.now() - startedAt > SHOW_AFTER_MS && done < known) {
        const format = `${label} [{bar}] {value}/{total} | {eta_formatted} left`;
        bar = new SingleBar(
          { format, stream: process.stderr, clearOnComplete: true, hideCursor: true },
          Presets.shades_classic,
        );
        bar.start(known, done);
      }
      bar?.setTotal(known);
      bar?.update(done);
    },
    stop: () => bar?.stop(),
  };
}
