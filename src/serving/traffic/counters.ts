import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { TRAFFIC_METRICS } from './metric-names';

/** Seconds. Finer than the server's own: a candidate is compared by them. */
const LATENCY_BUCKETS = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

export type Outcome = 'ok' | 'refused' | 'error';
export const outcomeOf = (status: number): Outcome =>
  status >= 500 ? 'error' : status >= 400 ? 'refused' : 'ok';

/** Counts what each version did, in the unit of the property where it counts values. */
export function createTrafficCounters(registry: Registry) {
  const registers = [registry];
  const labelNames = ['model', 'version'];
  const withOutcome = [...labelNames, 'outcome'];
  const counter = (name: string, help: string, labels = labelNames) =>
    new Counter({ name, help, labelNames: labels, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  const requests = counter(TRAFFIC_METRICS.requests, 'Prediction requests, by outcome.', withOutcome);
  const latency = new Histogram({
    name: TRAFFIC_METRICS.latency,
    help: 'Time from the request to the end of the answer.',
    labelNames,
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const molecules = counter(TRAFFIC_METRICS.molecules, 'Molecules asked for, by outcome.', withOutcome);
  // Sums of values that may be negative are no counters.
  const predictionSum = gauge(TRAFFIC_METRICS.predictionSum, 'Sum of the predicted values.');
  const predictionSquares = counter(TRAFFIC_METRICS.predictionSquares, 'Sum of their squares.');
  const pairs = counter(TRAFFIC_METRICS.pairs, 'Molecules that candidate and stable both predicted.');
  const differenceSum = gauge(TRAFFIC_METRICS.differenceSum, 'Sum of candidate minus stable over the pairs.');
  const differenceSquares = counter(TRAFFIC_METRICS.differenceSquares, 'Sum of the squared differences.');
  const skipped = counter(
    TRAFFIC_METRICS.skipped,
    'Requests that were not copied: too many copies under way.',
  );
  const fallbacks = counter(
    TRAFFIC_METRICS.fallbacks,
    'Requests of a candidate that stable answered instead.',
  );

  return {
    /** @param values of `valuesIn`; null where the answer holds none */
    answered(
      labels: { model: string; version: string },
      outcome: Outcome,
      seconds: number,
      values: readonly (number | null)[] | null,
    ): void {
      requests.inc({ ...labels, outcome });
      latency.observe(labels, seconds);
      if (!values) return;
      let predicted = 0;
      let sum = 0;
      let squares = 0;
      for (const value of values) {
        if (value === null) continue;
        predicted += 1;
        sum += value;
        squares += value * value;
      }
      molecules.inc({ ...labels, outcome: 'predicted' }, predicted);
      if (predicted < values.length)
        molecules.inc({ ...labels, outcome: 'rejected' }, values.length - predicted);
      predictionSum.inc(labels, sum);
      predictionSquares.inc(labels, squares);
    },

    /** The same molecules by both: row i belongs to molecule i. */
    compared(
      labels: { model: string; version: string },
      candidate: readonly (number | null)[],
      stable: readonly (number | null)[],
    ): void {
      if (candidate.length !== stable.length) return;
      candidate.forEach((value, row) => {
        const other = stable[row];
        if (value === null || other === null || other === undefined) return;
        pairs.inc(labels);
        differenceSum.inc(labels, value - other);
        differenceSquares.inc(labels, (value - other) ** 2);
      });
    },

    skipped: (labels: { model: string; version: string }) => skipped.inc(labels),
    fellBack: (labels: { model: string; version: string }) => fallbacks.inc(labels),
  };
}

export type TrafficCounters = ReturnType<typeof createTrafficCounters>;
