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
  /** Longest time between two scrapes of a server, seconds; a stretch of time of less than two is widened to two. Default 30. */
  readonly scrapeSeconds?: number;
}

const TIMEOUT_MS = 10_000;
const SCRAPE_S = 30;
/** What a series was before a window is looked for so far back, seconds: also where one scrape failed. */
const LOOK_BACK_S = 300;

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
 * How much each series grew in a window. `increase` alone knows only what lies between two scrapes: what a series that began in the
 * window had at its first scrape would be lost, and with it most of a short trial on a server that was started for it. So it is the
 * last value less the one from before the window, or all of it where there was none before; `increase` where a process began anew.
 * @param series of one selector, without a range
 */
function grownIn(series: string, seconds: number): string {
  const within = (window: number) => `${series}[${window}s]`;
  const last = `last_over_time(${within(seconds)})`;
  const began = `(resets(${within(seconds + LOOK_BACK_S)}) > 0)`;
  const before = `last_over_time(${within(LOOK_BACK_S)} offset ${seconds}s)`;
  return `(increase(${within(seconds)}) and ${began}) or (${last} - ${before}) or ${last}`;
}

/** Evidence by the HTTP API of Prometheus, over all the processes that it scrapes. */
export function createPrometheusEvidence(options: PrometheusEvidenceOptions): ServingEvidence {
  const query = (expression: string) => ask(options, expression);

  async function totals(versionId: string, sinceSeconds: number): Promise<Totals> {
    const { model, version } = labelsOf(versionId);
    const seconds = Math.max(2 * (options.scrapeSeconds ?? SCRAPE_S), Math.ceil(sinceSeconds));
    const grown = (name: string, more: Record<string, string> = {}) => {
      const matchers = Object.entries({ model, version, ...options.matchers, ...more });
      const selector = matchers.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',');
      return grownIn(`${name}{${selector}}`, seconds);
    };
    const count = async (name: string, more?: Record<string, string>) =>
      (await query(`sum(${grown(name, more)})`))[0]?.value ?? 0;
    const signed = async (name: string) =>
      (await count(name, { sign: 'positive' })) - (await count(name, { sign: 'negative' }));
    const [
      requests,
      errors,
      predicted,
      rejected,
      sum,
      squares,
      pairs,
      differences,
      squaredDifferences,
      buckets,
    ] = await Promise.all([
      count(TRAFFIC_METRICS.requests),
      count(TRAFFIC_METRICS.requests, { outcome: 'error' }),
      count(TRAFFIC_METRICS.molecules, { outcome: 'predicted' }),
      count(TRAFFIC_METRICS.molecules, { outcome: 'rejected' }),
      signed(TRAFFIC_METRICS.predictionValues),
      count(TRAFFIC_METRICS.predictionSquares),
      count(TRAFFIC_METRICS.pairs),
      signed(TRAFFIC_METRICS.differences),
      count(TRAFFIC_METRICS.differenceSquares),
      query(`sum by (le) (${grown(`${TRAFFIC_METRICS.latency}_bucket`)})`),
    ]);
    return {
      ...{ requests, errors, predicted, rejected, sum, squares, pairs, differences, squaredDifferences },
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
