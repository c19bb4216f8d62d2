import { TitrateError } from '../../contracts';
import { traceHeaders } from '../../foundation';
import { TRAFFIC_METRICS } from '../../serving/traffic/metric-names';
import type { ServingEvidence } from './serving-evidence';
import { numberOf, parseMetrics, type Sample } from './text-format';
import { figuresOf, type Totals } from './totals';

export interface ScrapedEvidenceOptions {
  /** Base address of the inference server. */
  readonly endpoint: string;
  /** By which the server knows a process of its own installation; asked anew each time. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Milliseconds; default Date.now. */
  readonly now?: () => number;
}

interface Scrape {
  readonly at: number;
  readonly totals: ReadonlyMap<string, Totals>;
}

/** Scrapes that are kept to count from, and for how long. */
const KEPT = 500;
const KEPT_FOR_MS = 3_600_000;
const TIMEOUT_MS = 5000;

/**
 * Evidence by scraping the one inference server of this machine. Counters only ever grow, so a stretch of time is the difference
 * of two scrapes: each look is kept, and counted from by a later one. Where no look is old enough (the first one, or in a process
 * that was started in between) everything counts that the server has counted since it started.
 */
export function createScrapedEvidence(options: ScrapedEvidenceOptions): ServingEvidence {
  const now = options.now ?? Date.now;
  const scrapes: Scrape[] = [];

  return {
    async figures(_campaignId, versions, sinceSeconds) {
      const totals = totalsIn(parseMetrics(await scrape(options)));
      const at = now();
      while (scrapes.length && (scrapes.length >= KEPT || at - scrapes[0]!.at > KEPT_FOR_MS)) scrapes.shift();
      // The newest one from before the stretch begins.
      const from = scrapes.findLast((one) => at - one.at >= sinceSeconds * 1000 - 1);
      scrapes.push({ at, totals });
      return versions.map((version) => {
        const current = totals.get(version) ?? NOTHING;
        return figuresOf(version, since(current, from?.totals.get(version) ?? NOTHING));
      });
    },
  };
}

async function scrape({ endpoint, headers }: ScrapedEvidenceOptions): Promise<string> {
  const url = `${endpoint.replace(/\/+$/, '')}/metrics`;
  try {
    const response = await fetch(url, {
      headers: { ...headers?.(), ...traceHeaders() },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.ok) return text;
    throw new Error(`it answered ${response.status}`);
  } catch (cause) {
    throw new TitrateError(
      'unavailable',
      {
        what: `the figures of the inference server cannot be read: ${(cause as Error).message}`,
        where: url,
      },
      { cause },
    );
  }
}

const NOTHING: Totals = {
  requests: 0,
  errors: 0,
  predicted: 0,
  rejected: 0,
  sum: 0,
  squares: 0,
  pairs: 0,
  differences: 0,
  squaredDifferences: 0,
  buckets: [],
};

/** A counter that is lower than before was begun anew: then all of it counts. */
function since(current: Totals, before: Totals): Totals {
  if (current.requests < before.requests) return current;
  const lower = new Map(before.buckets.map(({ le, count }) => [le, count]));
  const numbers = Object.entries(current).flatMap(([key, value]) =>
    typeof value === 'number' ? [[key, value - (before[key as 'requests'] ?? 0)]] : [],
  );
  return {
    ...(Object.fromEntries(numbers) as Omit<Totals, 'buckets'>),
    buckets: current.buckets.map(({ le, count }) => ({ le, count: count - (lower.get(le) ?? 0) })),
  };
}

/** Sums by version id. */
function totalsIn(samples: readonly Sample[]): Map<string, Totals> {
  const found = new Map<string, { -readonly [K in keyof Totals]: Totals[K] }>();
  for (const { name, labels, value } of samples) {
    const key = `${labels.model}/${labels.version}`;
    const fields = FIELDS[name]?.(labels);
    const isBucket = name === `${TRAFFIC_METRICS.latency}_bucket`;
    if (!fields && !isBucket) continue;
    let totals = found.get(key);
    if (!totals) found.set(key, (totals = { ...NOTHING }));
    for (const field of fields ?? []) totals[field] += labels.sign === 'negative' ? -value : value;
    if (isBucket) totals.buckets = [...totals.buckets, { le: numberOf(labels.le ?? ''), count: value }];
  }
  return found;
}

type Field = Exclude<keyof Totals, 'buckets'>;
const FIELDS: Readonly<Record<string, (labels: Sample['labels']) => readonly Field[]>> = {
  [TRAFFIC_METRICS.requests]: ({ outcome }) => (outcome === 'error' ? ['requests', 'errors'] : ['requests']),
  [TRAFFIC_METRICS.molecules]: ({ outcome }) => [outcome === 'rejected' ? 'rejected' : 'predicted'],
  [TRAFFIC_METRICS.predictionValues]: () => ['sum'],
  [TRAFFIC_METRICS.predictionSquares]: () => ['squares'],
  [TRAFFIC_METRICS.pairs]: () => ['pairs'],
  [TRAFFIC_METRICS.differences]: () => ['differences'],
  [TRAFFIC_METRICS.differenceSquares]: () => ['squaredDifferences'],
};
