import type { MetricValue, Registry } from 'prom-client';

interface Sum {
  readonly labels: Record<string, string>;
  sum: number;
  count: number;
}

/**
 * A sum and a count by labels, in Prometheus' form of a summary without quantiles: `NAME_sum`, which may fall, and `NAME_count`.
 */
export class SumAndCount {
  private readonly sums = new Map<string, Sum>();

  constructor(
    readonly name: string,
    readonly help: string,
    private readonly labelNames: readonly string[],
    registry: Registry,
  ) {
    // The registry asks a metric for no more than its name and its values.
    registry.registerMetric(this as never);
  }

  add(labels: Record<string, string>, value: number): void {
    const key = this.labelNames.map((name) => labels[name]).join('\0');
    const known = this.sums.get(key);
    if (known) {
      known.sum += value;
      known.count += 1;
    } else this.sums.set(key, { labels, sum: value, count: 1 });
  }

  get() {
    const values: (MetricValue<string> & { metricName: string })[] = [...this.sums.values()].flatMap(
      ({ labels, sum, count }) => [
        { labels, value: sum, metricName: `${this.name}_sum` },
        { labels, value: count, metricName: `${this.name}_count` },
      ],
    );
    return { name: this.name, help: this.help, type: 'summary', aggregator: 'sum', values };
  }

  reset(): void {
    this.sums.clear();
  }
}
