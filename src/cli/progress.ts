import { Presets, SingleBar } from 'cli-progress';

/** Updates that an estimate is made from: fewer, and it jumps about. */
const ETA_STEPS = 200;
/** Quicker work needs no bar, milliseconds. */
const SHOW_AFTER_MS = 2000;

export interface Progress {
  /** @param note shown behind the numbers, for instance the rows so far */
  update(done: number, total?: number, note?: string): void;
  stop(): void;
}

/** A progress bar on standard error, if that is a terminal and the work takes longer than two seconds. */
export function createProgress(label: string, total: number): Progress {
  if (!process.stderr.isTTY) return { update() {}, stop() {} };
  const startedAt = performance.now();
  let bar: SingleBar | null = null;
  let known = total;
  return {
    update(done, newTotal = known, note = '') {
      const payload = { note: note && `| ${note} ` };
      known = newTotal;
      if (!bar && performance.now() - startedAt > SHOW_AFTER_MS && done < known) {
        const format = `${label} [{bar}] {percentage} % {note}| {eta_formatted} left`;
        bar = new SingleBar(
          { format, stream: process.stderr, clearOnComplete: true, hideCursor: true, etaBuffer: ETA_STEPS },
          Presets.shades_classic,
        );
        bar.start(known, done, payload);
      }
      bar?.setTotal(known);
      bar?.update(done, payload);
    },
    stop: () => bar?.stop(),
  };
}

/** Bars one after the other: a new one whenever the work goes by another name. */
export function createPhases() {
  let bar = createProgress('', 0);
  let shown = '';
  return {
    onProgress(what: string, done: number, total: number): void {
      if (what !== shown) {
        bar.stop();
        bar = createProgress(what, total);
        shown = what;
      }
      bar.update(done, total);
    },
    stop: () => bar.stop(),
  };
}
