import { z } from 'zod';
import { TitrateError } from '../../contracts';
import { labelsOf, TRAFFIC_METRICS } from '../../serving/traffic/metric-names';
import type { ServingEvidence } from './serving-evidence';
import { numberOf } from './text-format';
import { figuresOf, type Totals } from './totals';

export interface PrometheusEvidenceOptions {
  /**
   * Where `/api/v1/query` is: `http://prometheus:9090`, or of Managed Prometheus
   * `https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus`.
   */
  readonly endpoint: string;
  /** Sent with every query: an authorization. Asked anew each time, since tokens expire. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  /** Matchers beside model and version, such as `{ namespace: 'chemistry' }`. */
  readonly matchers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 10_000;
/** `increase` needs two scrapes in its window: a window shorter than this is widened, seconds. */
const SHORTEST_WINDOW_S = 60;

const answerSchema = z.looseObject({
  status: z.string(),
  error: z.string().optional(),
  data: z
    .looseObject({
      resultType: z.string(),
      result: z.array(
        z.looseObject({
          metric: z.record(z.string(), z.string()),
          value: z.tuple([z.number(), z.string()]),
        }),
      ),
    })
    .optional(),
});

/**
 * Evidence by the HTTP API of Prometheus, over all the processes that it scrapes. Counters go through `increase`, so that a
 * process that was started anew is counted rightly; sums of values that may be negative are gauges and go through `delta`.
 */
export function createPrometheusEvidence(options: PrometheusEvidenceOptions): ServingEvidence {
  const query = (expression: string) => ask(options, expression);

  async function totals(versionId: string, seconds: number): Promise<Totals> {
    const { model, version } = labelsOf(versionId);
    const window = `[${Math.max(SHORTEST_WINDOW_S, Math.ceil(seconds))}s]`;
    const select = (name: string, more: Record<string, string> = {}) => {
      const matchers = Object.entries({ model, version, ...options.matchers, ...more });
      return `${name}{${matchers.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}${window}`;
    };
    const sum = async (expression: string) => (await query(`sum(${expression})`))[0]?.value ?? 0;
    const counter = (name: string, more?: Record<string, string>) => sum(`increase(${select(name, more)})`);
    const gauge = (name: string) => sum(`delta(${select(name)})`);
    const [
      requests,
      errors,
      predicted,
      rejected,
      total,
      squares,
      pairs,
      differences,
      squaredDifferences,
      buckets,
    ] = await Promise.all([
      counter(TRAFFIC_METRICS.requests),
      counter(TRAFFIC_METRICS.requests, { outcome: 'error' }),
      counter(TRAFFIC_METRICS.molecules, { outcome: 'predicted' }),
      counter(TRAFFIC_METRICS.molecules, { outcome: 'rejected' }),
      gauge(TRAFFIC_METRICS.predictionSum),
      counter(TRAFFIC_METRICS.predictionSquares),
      counter(TRAFFIC_METRICS.pairs),
      gauge(TRAFFIC_METRICS.differenceSum),
      counter(TRAFFIC_METRICS.differenceSquares),
      query(`sum by (le) (increase(${select(`${TRAFFIC_METRICS.latency}_bucket`)}))`),
    ]);
    return {
      ...{
        requests,
        errors,
        predicted,
        rejected,
        sum: total,
        squares,
        pairs,
        differences,
        squaredDifferences,
      },
      buckets: buckets.map(({ labels, value }) => ({ le: numberOf(labels.le ?? ''), count: value })),
    };
  }

  return {
    figures: (_campaignId, versions, sinceSeconds) =>
      Promise.all(versions.map(async (version) => figuresOf(version, await totals(version, sinceSeconds)))),
  };
}

async function ask(
  { endpoint, headers }: PrometheusEvidenceOptions,
  query: string,
): Promise<{ labels: Record<string, string>; value: number }[]> {
  const url = `${endpoint.replace(/\/+$/, '')}/api/v1/query`;
  const unavailable = (what: string, cause?: unknown) =>
    new TitrateError(
      'unavailable',
      { what, where: url, remedy: "Look at rollout.prometheus in the settings, and at Prometheus' own page" },
      { cause },
    );
  let text: string;
  let status: number;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...(await headers?.()), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ query }).toString(),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    throw unavailable(`Prometheus cannot be reached: ${(cause as Error).message}`, cause);
  }
  let answer: z.infer<typeof answerSchema>;
  try {
    answer = answerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw unavailable(`Prometheus answered ${status}, and not in its own words`, cause);
  }
  if (answer.status !== 'success' || !answer.data)
    throw unavailable(`Prometheus refuses the query ${query}: ${answer.error ?? status}`);
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }));
}
