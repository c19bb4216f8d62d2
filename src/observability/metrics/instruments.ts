import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds of what takes from milliseconds to days: activities, stages, trainings. */
export const WORK_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/** Makers of one registry's instruments: name, help, then the labels. */
export function instrumentsOf(registry: Registry) {
  const registers = [registry];
  return {
    counter: <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
      new Counter<L>({ name, help, labelNames, registers }),
    gauge: <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
      new Gauge<L>({ name, help, labelNames, registers }),
    histogram: <L extends string = never>(
      name: string,
      help: string,
      buckets: readonly number[],
      ...labelNames: L[]
    ) => new Histogram<L>({ name, help, labelNames, buckets: [...buckets], registers }),
  };
}

export type Instruments = ReturnType<typeof instrumentsOf>;
