import type { Registry } from 'prom-client';

/** What is written, and of whom: a process that has a place, a kind of work and an identity of its own. */
export interface PushedBy {
  readonly projectId: string;
  /** Region or zone. */
  readonly location: string;
  /** What kind of process it is: `training-job`. */
  readonly job: string;
  /** Which one of them: a name that no other process has. */
  readonly task: string;
  /** When its counters stood at zero, ms since the epoch. */
  readonly startedAt: number;
}

type Instant = { readonly seconds: number; readonly nanos: number };

/** One point of one series, as CreateTimeSeries takes it (google.monitoring.v3.TimeSeries). */
export interface PushedSeries {
  readonly metric: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly resource: { readonly type: 'generic_task'; readonly labels: Readonly<Record<string, string>> };
  readonly metricKind: 'GAUGE' | 'CUMULATIVE';
  readonly valueType: 'DOUBLE' | 'DISTRIBUTION';
  readonly points: readonly [
    {
      readonly interval: { readonly startTime?: Instant; readonly endTime: Instant };
      readonly value: { readonly doubleValue: number } | { readonly distributionValue: Distribution };
    },
  ];
}

interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly bucketOptions: { readonly explicitBuckets: { readonly bounds: readonly number[] } };
  /** In a bucket, not up to its bound as Prometheus counts. */
  readonly bucketCounts: readonly number[];
}

/** Where custom metrics live; a name's own `titrate_` is the folder. */
const TYPE_PREFIX = 'custom.googleapis.com/titrate/';
const OURS = 'titrate_';

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly metricName?: string;
}

const instant = (ms: number): Instant => ({
  seconds: Math.floor(ms / 1000),
  nanos: Math.round((ms % 1000) * 1e6),
});

const textLabels = (labels: Sample['labels'], without?: string) =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) =>
      key === without || value === undefined ? [] : [[key, String(value)]],
    ),
  );

/**
 * What a registry says now, as series of one point. Ours alone, and nothing that stands at zero: what was not counted is no news.
 * @param now ms since the epoch
 */
export async function timeSeriesOf(
  registry: Registry,
  { projectId, location, job, task, startedAt }: PushedBy,
  now: number,
): Promise<PushedSeries[]> {
  const resource = {
    type: 'generic_task' as const,
    labels: { project_id: projectId, location, namespace: 'titrate', job, task_id: task },
  };
  const endTime = instant(now);
  // A counter's interval has a length.
  const startTime = instant(Math.min(startedAt, now - 1));
  const series: PushedSeries[] = [];
  for (const { name, type, values } of await registry.getMetricsAsJSON()) {
    if (!name.startsWith(OURS)) continue;
    const metric = (labels: Readonly<Record<string, string>>) => ({
      type: `${TYPE_PREFIX}${name.slice(OURS.length)}`,
      labels,
    });
    const kind = String(type);
    if (kind === 'histogram') {
      for (const [labels, distribution] of distributionsOf(values as Sample[]))
        series.push({
          ...{ metric: metric(labels), resource, metricKind: 'CUMULATIVE', valueType: 'DISTRIBUTION' },
          points: [{ interval: { startTime, endTime }, value: { distributionValue: distribution } }],
        });
      continue;
    }
    if (kind !== 'counter' && kind !== 'gauge') continue;
    const counts = kind === 'counter';
    for (const { value, labels } of values as Sample[]) {
      if (value === 0 || !Number.isFinite(value)) continue;
      series.push({
        ...{ metric: metric(textLabels(labels)), resource, valueType: 'DOUBLE' },
        metricKind: counts ? 'CUMULATIVE' : 'GAUGE',
        points: [{ interval: { ...(counts && { startTime }), endTime }, value: { doubleValue: value } }],
      });
    }
  }
  return series;
}

/** The histograms of one name, by their labels. Prometheus counts up to each bound; Cloud Monitoring counts in each bucket. */
function* distributionsOf(samples: readonly Sample[]): Generator<[Record<string, string>, Distribution]> {
  const groups = new Map<string, { labels: Record<string, string>; upTo: [number, number][]; sum: number }>();
  for (const { value, labels, metricName = '' } of samples) {
    const own = textLabels(labels, 'le');
    const key = JSON.stringify(Object.entries(own).sort());
    const group = groups.get(key) ?? { labels: own, upTo: [], sum: 0 };
    groups.set(key, group);
    if (metricName.endsWith('_bucket')) {
      group.upTo.push([labels.le === '+Inf' ? Infinity : Number(labels.le), value]);
    } else if (metricName.endsWith('_sum')) group.sum = value;
  }
  for (const { labels, upTo, sum } of groups.values()) {
    const sorted = upTo.sort(([a], [b]) => a - b);
    const count = sorted.at(-1)?.[1] ?? 0;
    if (count === 0) continue;
    yield [
      labels,
      {
        count,
        mean: sum / count,
        bucketOptions: { explicitBuckets: { bounds: sorted.slice(0, -1).map(([bound]) => bound) } },
        bucketCounts: sorted.map(([, reached], i) => reached - (sorted[i - 1]?.[1] ?? 0)),
      },
    ];
  }
}
