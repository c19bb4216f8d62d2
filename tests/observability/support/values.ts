import type { Registry } from 'prom-client';

/** The value of a series, by its name and some of its labels (all that match, added up); 0 where there is none. */
export async function valueOf(
  registry: Registry,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  return (await samplesOf(registry, name))
    .filter((sample) => Object.entries(labels).every(([key, value]) => String(sample.labels[key]) === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Every series of a name; of a histogram ask by `_count`, `_sum` or `_bucket`. */
export async function samplesOf(registry: Registry, name: string) {
  const plain = name.replace(/_(count|sum|bucket)$/, '');
  const metric = registry.getSingleMetric(name) ?? registry.getSingleMetric(plain);
  if (!metric) throw new Error(`no metric ${name}`);
  const { values } = (await metric.get()) as {
    values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
  };
  return values.filter(({ metricName }) => metricName === undefined || metricName === name);
}
