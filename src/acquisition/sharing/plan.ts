import type { ChooseRequest } from '../acquisition';
import type { ScoredLists } from '../beliefs';
import { decisionFor, utilityRequestFor } from '../deciding';
import { viewOf } from '../pareto';
import type { DecisionPart } from '../policy';
import { drawnRows, jointRows, rankedRows, tradedRows } from '../rows-wanted';
import { isPointwise, needsReference, OPTIMISM, utilityOf, type UtilityRequest } from '../utilities';
import type { WantedList } from './lists';

export interface ListPlan {
  readonly lists: readonly WantedList[];
  /** Others hang on these: to be planned again once they are there. */
  readonly more: boolean;
}

/** Where rules may refuse many: as many more, so that another look needs no other pass over the pool. */
const RESERVE = 2000;

const NONE: ListPlan = { lists: [], more: false };

/**
 * The shortlists that `chooseBatch` will ask for, decided as it decides: the best candidates by each score that its strategies begin with. The lists
 * are a little longer than asked for, since what rules require, what is drawn by chance and what earlier strategies take leaves them again. Strategies
 * that draw a sample or go by distance have none. Molecules and features of the request are not looked at.
 * @param ruled whether the batch will have rules
 * @param scored what is there already
 */
export function planLists(asked: ChooseRequest, ruled: boolean, scored?: ScoredLists): ListPlan {
  const view = viewOf(asked);
  const { request, tradeOff } = view;
  if (!request.surrogate) return NONE;
  const { batchSize, pending = [] } = request;
  // Only integrated variance and covering hang on how alike molecules are, and both do without a list.
  const circumstances = { batchSize, pending: pending.length, comparable: true };
  const decision = decisionFor(view, circumstances);
  const base = utilityRequestFor(request, decision);
  const longer = (count: number) => count + batchSize + (ruled ? RESERVE : 0);

  const referring = decision.parts.some(
    ({ strategy }) => isPointwise(strategy) && needsReference(strategy, base),
  );
  const greedy = utilityOf('greedy', base).key;
  const known = scored?.byUtility.get(greedy);
  if (referring && !known)
    return { lists: [{ by: 'utility', strategy: 'greedy', request: base, count: longer(1) }], more: true };
  const reference = referring ? known!.best.mean[0] : undefined;
  const utilityRequest = reference === undefined ? base : { ...base, reference };

  const wanted = decision.parts.flatMap((part) =>
    listFor(part, utilityRequest, { places: batchSize, ruled, traded: tradeOff !== null }),
  );
  return { lists: wanted.map((list) => ({ ...list, count: longer(list.count) })), more: false };
}

interface Batching {
  readonly places: number;
  readonly ruled: boolean;
  /** Several properties. */
  readonly traded: boolean;
}

/** What is held takes up room in a joint covariance; not knowing how much, a list leaves none. */
const HELD = 0;

function listFor(
  { strategy, batching }: DecisionPart,
  request: UtilityRequest,
  { places, ruled, traded }: Batching,
): WantedList[] {
  const by = 'utility';
  if (strategy === 'ehvi' || (strategy === 'thompson' && traded))
    return [{ by: 'front', count: tradedRows(places) }];
  if (strategy === 'thompson')
    return [{ by, strategy: 'ucb', request: { ...request, ...OPTIMISM }, count: drawnRows(HELD, places) }];
  if (strategy === 'max-determinant')
    return [{ by, strategy: 'uncertainty', request, count: jointRows(HELD, places) }];
  if (!isPointwise(strategy)) return [];
  const count = batching === 'joint' ? jointRows(HELD, places) : rankedRows(places, ruled);
  return [{ by, strategy, request, count }];
}
