import type { CampaignConfig, Prospects, Stop } from '../contracts';
import { nextBatchSize, type CampaignState } from './state';

const short = (value: number) => String(Number(value.toPrecision(4)));
const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
const plural = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
const unitOf = ({ unit }: CampaignConfig['objective']) => (unit ? ` ${unit}` : '');

/** Whether the campaign ends instead of handing out the batch of `state.round`, judged on what the last batch brought. */
export function stopFor(state: CampaignState, best: number | null): Stop | null {
  const { objective, budget, stopping } = state.config;
  if (state.stopRequested) return { reason: 'stopped', why: 'it was asked to stop' };
  if (objective.target !== undefined && best !== null) {
    const reached = objective.direction === 'maximize' ? best >= objective.target : best <= objective.target;
    const why = `${short(best)}${unitOf(objective)} was measured, and the target is ${short(objective.target)}`;
    if (reached) return { reason: 'target', why };
  }
  if (state.round > budget.rounds)
    return { reason: 'budget', why: `the budget of ${plural(budget.rounds, 'round')} is used up` };
  if (nextBatchSize(state) === 0) {
    const why = `the budget of ${plural(budget.measurements!, 'measurement')} is used up: ${state.assays} were handed out`;
    return { reason: 'budget', why };
  }
  const { plateauRounds } = stopping;
  // The value that nothing is better than has to be there before the rounds that count.
  const plateaued = state.rounds.length > (plateauRounds ?? Infinity);
  if (
    plateauRounds !== undefined &&
    plateaued &&
    best !== null &&
    roundsWithoutGain(state, best) >= plateauRounds
  ) {
    const why = `nothing better than ${short(best)}${unitOf(objective)} came in ${plural(plateauRounds, 'round')}`;
    return { reason: 'plateau', why };
  }
  return null;
}

/** Rounds in a row, up to now, that brought no value better than the one before them. */
export function roundsWithoutGain(state: CampaignState, best: number | null): number {
  if (best === null) return 0;
  const { rounds } = state;
  let count = 0;
  while (count < rounds.length && rounds[rounds.length - 1 - count]!.best === best) count++;
  return count;
}

/** What a round's model is asked for, for the stopping rules; null where none of them needs a model. */
export interface ProspectsWanted {
  readonly margin: number;
  /** Rounds without a better value before this round's batch. */
  readonly withoutGain: number;
}

export function prospectsWanted(state: CampaignState, best: number | null): ProspectsWanted | null {
  const { plateau, gain } = state.config.stopping;
  if (!plateau && !gain) return null;
  return { margin: plateau?.margin ?? 0, withoutGain: roundsWithoutGain(state, best) };
}

/**
 * Whether the campaign ends because of what its model expects, instead of handing out the batch it was asked about.
 *
 * - `plateau`: nothing better came for the stated rounds, and the probability that any molecule left is better by more than the
 *   margin is below 1 - confidence (Wilson 2024, "Stopping Bayesian optimization with probabilistic regret bounds", NeurIPS).
 * - `gain-below-cost`: the expected improvement by the batch is worth less than the batch costs: one step ahead only, as in Chick and
 *   Frazier 2012, Management Science 58, 550.
 */
export function stopByProspects(
  { objective, stopping }: Pick<CampaignConfig, 'objective' | 'stopping'>,
  { withoutGain }: Pick<ProspectsWanted, 'withoutGain'>,
  prospects: Prospects,
): Stop | null {
  const { best, margin, left, chance, batchGain, batchSize, batchPrice = 0 } = prospects;
  const unit = unitOf(objective);
  const { plateau, gain } = stopping;
  if (plateau && withoutGain >= plateau.rounds && chance < 1 - plateau.confidence) {
    const by = margin > 0 ? ` by more than ${short(margin)}${unit}` : '';
    const came =
      plateau.rounds > 0
        ? `nothing better than ${short(best)}${unit} came in ${plural(withoutGain, 'round')}, and `
        : '';
    const why = `${came}the model gives ${percent(chance)} to any of the ${left} molecules left being better than ${short(best)}${unit}${by}; the campaign ends below ${percent(1 - plateau.confidence)}`;
    return { reason: 'plateau', why };
  }
  if (gain) {
    const cost = gain.costPerMeasurement * batchSize + batchPrice;
    const worth = batchGain * gain.worthPerUnit;
    if (worth < cost) {
      const why = `the next batch of ${batchSize} is expected to improve the best value by ${short(batchGain)}${unit}, worth ${short(worth)}, and would cost ${short(cost)}`;
      return { reason: 'gain-below-cost', why };
    }
  }
  return null;
}

/** Batches after the one of this round that the budget allows. */
export function roundsLeft(state: CampaignState): number {
  const { acquisition, budget } = state.config;
  const byRounds = budget.rounds - state.round;
  if (budget.measurements === undefined) return Math.max(0, byRounds);
  const after = budget.measurements - state.assays - nextBatchSize(state);
  return Math.max(0, Math.min(byRounds, Math.ceil(after / acquisition.batchSize)));
}
