import type { ExplorationRecord, TrialResult } from '../../../contracts';
import type { Figures } from '../figures';
import { sum } from '../numbers';

/** An exploration that computed something in its round, and the seconds of work that it took. */
export interface Explored {
  readonly round: number;
  readonly record: ExplorationRecord;
  readonly seconds: number;
  /** Seconds of computing of its trials; what `seconds` is shared out by. */
  readonly computeSeconds: number;
}

export function exploredRounds({ input: { record } }: Figures): Explored[] {
  return record.rounds.flatMap(({ summary, exploration, timings }) => {
    const own = timings.filter(({ stage, cached }) => stage === 'explore' && !cached);
    if (!exploration || own.length === 0) return [];
    return [
      {
        round: summary.round,
        record: exploration,
        seconds: sum(own, ({ seconds }) => seconds),
        computeSeconds: computeOf(exploration.results),
      },
    ];
  });
}

export const computeOf = (results: readonly TrialResult[]) =>
  sum(results, ({ computeSeconds }) => computeSeconds);

/** Seconds of the exploration that fall to some of its results, by their computing. */
export const secondsOf = ({ seconds, computeSeconds }: Explored, results: readonly TrialResult[]) =>
  computeSeconds > 0 ? seconds * (computeOf(results) / computeSeconds) : 0;

export const usable = ({ metrics }: TrialResult) => Number.isFinite(metrics.rmse) && metrics.rmse > 0;
export const usesNetworks = ({ backend }: Pick<TrialResult, 'backend'>) => backend !== 'float64';
