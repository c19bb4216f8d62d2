import type { TrainingRow } from '../contracts';
import type { Dossier, LoadedRound } from './dossier';
import type { PickOutcome } from './outcomes';
import { wilsonInterval } from './statistics';

/** Fewer random measurements than this say too little about a rate. */
export const LEAST_RANDOM = 10;

/** How common good molecules are in the pool, as far as the first random batch can tell. */
export interface HitEstimate {
  /** At least (or, minimising, at most) this counts as a hit. */
  readonly threshold: number;
  readonly thresholdIs: 'target' | 'best tenth';
  /** Round of the random picks, how many of them were measured, and hits among them. */
  readonly round: number;
  readonly sample: number;
  readonly hits: number;
  readonly rate: number;
  /** Wilson's 95 % interval of the rate. */
  readonly interval: readonly [number, number];
  isHit(row: TrainingRow): boolean;
}

/**
 * Estimates the pool's hit rate from the first batch with random picks; null where fewer than `LEAST_RANDOM` of them were
 * measured. The threshold is the campaign's target, else the value that the best tenth of that sample reached.
 */
export function estimateHits(
  dossier: Dossier,
  outcomes: ReadonlyMap<LoadedRound, readonly PickOutcome[]>,
): HitEstimate | null {
  const { direction, target } = dossier.record.config.objective;
  const sign = direction === 'maximize' ? 1 : -1;
  const proves = direction === 'maximize' ? '>' : '<';
  for (const round of dossier.rounds) {
    const rows = outcomes
      .get(round)!
      .flatMap(({ pick, row }) => (pick.strategy === 'random' && row ? [row] : []));
    if (rows.length < LEAST_RANDOM) continue;
    const exact = rows.filter((row) => row.qualifier === '=').map((row) => row.value);
    const bestFirst = exact.sort((a, b) => sign * (b - a));
    const threshold = target ?? bestFirst[Math.max(0, Math.round(rows.length / 10) - 1)];
    if (threshold === undefined) continue;
    // A bound counts only where it proves that the value is beyond the threshold.
    const isHit = (row: TrainingRow) =>
      (row.qualifier === '=' || row.qualifier === proves) && sign * row.value >= sign * threshold;
    const hits = rows.filter(isHit).length;
    return {
      threshold,
      thresholdIs: target === undefined ? 'best tenth' : 'target',
      round: round.round,
      sample: rows.length,
      hits,
      rate: hits / rows.length,
      interval: wilsonInterval(hits, rows.length),
      isHit,
    };
  }
  return null;
}
