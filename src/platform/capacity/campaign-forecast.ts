import type { CampaignRecord } from '../../contracts';
import { featuriseCpuSeconds, roundCpuParts, standardiseCpuSeconds } from './model';

/** CPU-seconds of one core that the capacity model expects of a round, by stage as its timings name them. */
export interface RoundForecast {
  readonly round: number;
  readonly stages: Readonly<Record<string, number>>;
}

/** What the capacity model expects of each round on record: the pool once, and what a round with so many labels takes by the defaults. */
export function forecastRounds({
  rounds,
  poolSize,
}: Pick<CampaignRecord, 'rounds' | 'poolSize'>): RoundForecast[] {
  let featurised = false;
  return rounds.map(({ summary, cut, timings }) => {
    const has = (stage: string) => timings.some((timing) => timing.stage === stage);
    const { explore, train, score, acquire } = roundCpuParts(poolSize, cut.labels);
    const features = has('featurize') && !featurised;
    featurised ||= features;
    // A pool that is not shared out is scored by the activity that chooses.
    const scored = summary.family !== null && !has('score');
    const expected = {
      ingest: standardiseCpuSeconds(poolSize),
      featurize: features ? featuriseCpuSeconds(poolSize) : 0,
      explore,
      train,
      score,
      acquire: acquire + (scored ? score : 0),
    };
    return {
      round: summary.round,
      stages: Object.fromEntries(Object.entries(expected).filter(([stage]) => has(stage))),
    };
  });
}
