import type { RoundPerformance, RoundWork, StagePerformance } from '../../contracts';
import { median } from '../../foundation';
import type { PerformanceInput } from './input';
import { ratio, sum } from './numbers';

const queueSum = (work: RoundWork, of: (queue: RoundWork['queues'][number]) => number) =>
  sum(work.queues, of);

/** From the end of one round to the beginning of the next; seconds. */
export const between = (before: RoundWork, after: RoundWork) =>
  Math.max(0, Date.parse(after.startedAt) - Date.parse(before.endedAt)) / 1000;

export const elapsedOf = (work: RoundWork) =>
  Math.max(0, Date.parse(work.endedAt) - Date.parse(work.startedAt)) / 1000;

/** Each round against the forecast and the earlier rounds of its kind. */
export function roundsOf({ record, work, forecast }: PerformanceInput): RoundPerformance[] {
  const works = new Map(work.map((one) => [one.round, one]));
  const seconds = record.rounds.map(({ timings }) => sum(timings, (timing) => timing.seconds));
  return record.rounds.map(({ summary, evaluation }, i) => {
    const own = works.get(summary.round);
    const next = works.get(summary.round + 1);
    // The rounds before there are labels for a model do other work than those after.
    const alike = record.rounds.flatMap((other, j) =>
      j < i && (other.summary.family === null) === (summary.family === null) ? [seconds[j]!] : [],
    );
    const expected = sum(
      Object.values(forecast.find(({ round }) => round === summary.round)?.stages ?? {}),
      (value) => value,
    );
    return {
      round: summary.round,
      labels: summary.labels,
      batchSize: summary.batchSize,
      seconds: seconds[i]!,
      forecastSeconds: expected,
      ratioToForecast: ratio(seconds[i]!, expected) ?? 0,
      ratioToEarlier: alike.length > 0 ? ratio(seconds[i]!, median(alike)) : null,
      elapsedSeconds: own ? elapsedOf(own) : null,
      waitedSeconds: own ? queueSum(own, ({ waitedSeconds }) => waitedSeconds) : null,
      labSeconds: own && next ? between(own, next) : null,
      steps: own ? sum(own.activities, (one) => one.steps) : null,
      cachedSteps: own ? sum(own.activities, (one) => one.cached) : null,
      rmse: evaluation?.metrics.rmse ?? summary.metrics?.rmse ?? null,
      best: summary.best,
    };
  });
}

/** Each stage over all rounds, the costliest first. */
export function stagesOf({ record, forecast }: PerformanceInput): StagePerformance[] {
  const all = record.rounds.flatMap(({ timings }) => timings);
  const total = sum(all, ({ seconds }) => seconds);
  const names = [...new Set(all.map(({ stage }) => stage))];
  const stages = names.map((stage): StagePerformance => {
    const rounds = record.rounds
      .map(({ timings }) => timings.filter((timing) => timing.stage === stage))
      .filter((timings) => timings.length > 0);
    const seconds = rounds.map((timings) => sum(timings, (timing) => timing.seconds));
    const own = sum(seconds, (value) => value);
    const known = forecast.filter((one) => stage in one.stages);
    const expected = known.length ? sum(known, (one) => one.stages[stage]!) : null;
    return {
      stage,
      seconds: own,
      share: ratio(own, total) ?? 0,
      rounds: rounds.length,
      cachedRounds: rounds.filter((timings) => timings.every(({ cached }) => cached)).length,
      forecastSeconds: expected,
      ratioToForecast: expected === null ? null : ratio(own, expected),
      ratioToEarlier: seconds.length > 1 ? ratio(seconds.at(-1)!, median(seconds.slice(0, -1))) : null,
    };
  });
  return stages.sort((a, b) => b.seconds - a.seconds);
}
