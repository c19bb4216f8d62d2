import type { ChosenPick, ChooseRequest, Surrogate } from './acquisition';
import type { Batch } from './batch';
import type { TradeOff } from './pareto/trade-off';
import type { Decision, DecisionPart } from './policy';
import { firstOf, hashOrder } from './ranking';
import type { Beliefs } from './scoring';
import type { Utility, UtilityRequest } from './utilities';

/** All that a strategy picks by. */
export interface Choosing {
  readonly request: ChooseRequest;
  readonly batch: Batch;
  readonly decision: Decision;
  readonly part: DecisionPart;
  readonly surrogate: Surrogate;
  /** Of goal `pareto`, with two properties or more to trade off. */
  readonly tradeOff: TradeOff | null;
  readonly utilityRequest: UtilityRequest;
  /** Size of the batch at which this part is full. */
  readonly until: number;
}

/** Rows of a joint covariance that held molecules may take up; of more, so many by a seeded hash. */
const MOST_HELD = 2000;

/** What is at the lab or in the batch: what joint and distance strategies take into account. */
export function heldBy({ request, batch }: Pick<Choosing, 'request' | 'batch'>, most = MOST_HELD): string[] {
  const picked = batch.picks.map(({ moleculeId }) => moleculeId);
  const held = [...new Set([...(request.pending ?? []), ...picked])];
  return held.length <= most ? held.sort() : sampleOf(held, most, request.seed, 'held');
}

/** So many of the molecules, by a seeded hash of their ids: whatever order they are listed in. In the order of the hash. */
export function sampleOf(
  moleculeIds: readonly string[],
  count: number,
  seed: number,
  purpose: string,
): string[] {
  return firstOf(moleculeIds.keys(), count, hashOrder(moleculeIds, seed, purpose)).map(
    (i) => moleculeIds[i]!,
  );
}

export const beliefAt = ({ mean, sigma, noise }: Beliefs, i: number) => ({
  ...{ mean: mean[i]!, sigma: sigma[i]!, noise: noise[i]! },
});

/** A pick by a pointwise score. @param sigma with what is held taken into account, where that is done */
export function scoredPick(
  { part, utility }: { part: DecisionPart; utility: Utility },
  beliefs: Beliefs,
  i: number,
  sigma = beliefs.sigma[i]!,
): ChosenPick {
  const belief = { ...beliefAt(beliefs, i), sigma };
  const value = utility.value(belief);
  const terms = utility.terms?.(belief);
  return {
    moleculeId: beliefs.moleculeIds[i]!,
    strategy: part.strategy,
    value,
    reason: utility.reason(belief, value),
    ...(terms && { terms }),
  };
}
