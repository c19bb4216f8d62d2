/** One activity that is at work. */
export interface AtWork {
  /** CPU time of its share so far, seconds. */
  cpuSeconds: number;
  readonly accelerated: boolean;
}

/**
 * CPU time of activities. The process has one clock for all its threads; between two starts or ends each activity at work then gets an
 * even share of what it showed. Alone, an activity gets all of it; the sum is never more than the process used.
 */
export class SharedCpu {
  private readonly atWork = new Set<AtWork>();
  private last = process.cpuUsage();
  private lastWall = performance.now();

  /** @param onAccelerated told the seconds with an accelerated activity at work, however many of them */
  constructor(private readonly onAccelerated: (seconds: number) => void = () => {}) {}

  begin(accelerated = false): AtWork {
    this.settle();
    const one = { cpuSeconds: 0, accelerated };
    this.atWork.add(one);
    return one;
  }

  /** @returns its CPU time, seconds */
  end(one: AtWork): number {
    this.settle();
    this.atWork.delete(one);
    return one.cpuSeconds;
  }

  /** Shares out what was used since the last time. */
  settle(): void {
    const now = process.cpuUsage();
    const wall = performance.now();
    const used = (now.user - this.last.user + now.system - this.last.system) / 1e6;
    const elapsed = (wall - this.lastWall) / 1000;
    this.last = now;
    this.lastWall = wall;
    const share = used / this.atWork.size;
    let busy = false;
    for (const one of this.atWork) {
      one.cpuSeconds += share;
      busy ||= one.accelerated;
    }
    if (busy) this.onAccelerated(elapsed);
  }
}
