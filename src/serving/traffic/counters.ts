import { Counter, Histogram, type Registry } from 'prom-client';
import { TRAFFIC_METRICS } from './metric-names';

/** Seconds. Finer than the server's own: a candidate is compared by them. */
const LATENCY_BUCKETS = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

export type Outcome = 'ok' | 'refused' | 'error';
export const outcomeOf = (status: number): Outcome =>
  status >= 500 ? 'error' : status >= 400 ? 'refused' : 'ok';

type Labels = { model: string; version: string };

/** Counts what each version did, in the unit of the property where it counts values. */
export function createTrafficCounters(registry: Registry) {
  const registers = [registry];
  const labelNames = ['model', 'version'];
  const counter = (name: string, help: string, ...more: string[]) =>
    new Counter({ name, help, labelNames: [...labelNames, ...more], registers });
  const requests = counter(TRAFFIC_METRICS.requests, 'Prediction requests, by outcome.', 'outcome');
  const latency = new Histogram({
    name: TRAFFIC_METRICS.latency,
    help: 'Time from the request to the end of the answer; of a stream, to the answer of its first molecules.',
    labelNames,
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const molecules = counter(TRAFFIC_METRICS.molecules, 'Molecules asked for, by outcome.', 'outcome');
  const predicted = counter(
    TRAFFIC_METRICS.predictionValues,
    'Sum of the predicted values; those below zero by their size, under sign negative.',
    'sign',
  );
  const squares = counter(TRAFFIC_METRICS.predictionSquares, 'Sum of the squares of the predicted values.');
  const pairs = counter(TRAFFIC_METRICS.pairs, 'Molecules that candidate and stable both predicted.');
  const differences = counter(
    TRAFFIC_METRICS.differences,
    'Sum of candidate minus stable over the pairs; differences below zero by their size, under sign negative.',
    'sign',
  );
  const differenceSquares = counter(
    TRAFFIC_METRICS.differenceSquares,
    'Sum of the squares of candidate minus stable over the pairs.',
  );
  const skipped = counter(
    TRAFFIC_METRICS.skipped,
    'Requests that were not copied: streams, and what came while too many copies were under way.',
  );
  const fallbacks = counter(
    TRAFFIC_METRICS.fallbacks,
    'Requests of a candidate that stable answered instead.',
  );
  const add = (sums: Counter, labels: Labels, value: number) => {
    if (value !== 0) sums.inc({ ...labels, sign: value < 0 ? 'negative' : 'positive' }, Math.abs(value));
  };

  const predictedBy = (labels: Labels, values: readonly (number | null)[]): void => {
    let count = 0;
    for (const value of values) {
      if (value === null) continue;
      count += 1;
      add(predicted, labels, value);
      squares.inc(labels, value * value);
    }
    molecules.inc({ ...labels, outcome: 'predicted' }, count);
    if (count < values.length) molecules.inc({ ...labels, outcome: 'rejected' }, values.length - count);
  };

  return {
    /**
     * @param seconds null where there was nothing to answer
     * @param values of `valuesIn`; null where the answer holds none
     */
    answered(
      labels: Labels,
      outcome: Outcome,
      seconds: number | null,
      values: readonly (number | null)[] | null,
    ): void {
      requests.inc({ ...labels, outcome });
      if (seconds !== null) latency.observe(labels, seconds);
      if (values) predictedBy(labels, values);
    },

    /** Values of a stream that goes on. */
    predictedBy,

    /** The same molecules by both: row i belongs to molecule i. */
    compared(
      labels: Labels,
      candidate: readonly (number | null)[],
      stable: readonly (number | null)[],
    ): void {
      if (candidate.length !== stable.length) return;
      candidate.forEach((value, row) => {
        const other = stable[row];
        if (value === null || other === null || other === undefined) return;
        pairs.inc(labels);
        add(differences, labels, value - other);
        differenceSquares.inc(labels, (value - other) ** 2);
      });
    },

    skipped: (labels: Labels) => skipped.inc(labels),
    fellBack: (labels: Labels) => fallbacks.inc(labels),
  };
}

export type TrafficCounters = ReturnType<typeof createTrafficCounters>;
