import { PARETO_STRATEGIES, TitrateError } from '../../contracts';
import type { ChooseRequest } from '../acquisition';
import { foundIn } from '../goal';
import { sortProperties, tradeOffOf, type Objective, type TradeOff } from './trade-off';
import { whyNoTradeOff, whyTradeOff } from './why';

/** A request as a batch is chosen by. */
export interface View {
  /** With two properties or more to trade off, its model and evidence are those of the property that is known least; with one, all is that one's. */
  readonly request: ChooseRequest;
  readonly tradeOff: TradeOff | null;
  /** The property whose model it is. */
  readonly property?: string;
  /** Sentences for the decision; absent where the goal is another. */
  readonly why?: string;
}

const BEST = { kind: 'best' } as const;

/** The one whose ranking of unseen molecules is the worst, as far as that is known. */
const weakestOf = (usable: readonly Objective[]): Objective =>
  usable.reduce((weakest, each) =>
    (each.heldOut?.spearman ?? Infinity) < (weakest.heldOut?.spearman ?? Infinity) ? each : weakest,
  );

function seenFrom(request: ChooseRequest, { surrogate, heldOut }: Objective): ChooseRequest {
  const { heldOut: _, ...evidence } = request.evidence ?? { labels: request.measured?.length ?? 0, round: 1 };
  return { ...request, surrogate, evidence: { ...evidence, ...(heldOut && { heldOut }) } };
}

/** With one property left there is no trade-off: the best of it is looked for. */
function byOne(request: ChooseRequest, only: Objective): ChooseRequest {
  const { direction, values } = only;
  const found = foundIn([...values.values()], BEST, direction);
  const seen = seenFrom(request, only);
  return {
    ...alone(seen),
    ...{ direction, incumbent: found.best ?? null },
    evidence: { ...seen.evidence!, found },
  };
}

/** By expected improvement where it would have been that of the hypervolume: of one property the two are the same. */
function alone(request: ChooseRequest): ChooseRequest {
  const { acquisition } = request;
  const strategy = acquisition.strategy === 'ehvi' ? 'log-ei' : acquisition.strategy;
  return { ...request, goal: BEST, acquisition: { ...acquisition, strategy } };
}

/**
 * What a batch is chosen by under goal `pareto`: the trade-off of the properties that have a model, or where only one has, the best of that one.
 * Under any other goal, the request as it is.
 * @throws config-invalid for a strategy that goes by one property
 */
export function viewOf(request: ChooseRequest): View {
  const { strategy } = request.acquisition;
  if (request.goal?.kind !== 'pareto') {
    if (strategy !== 'ehvi') return { request, tradeOff: null };
    throw notOffered(
      "'ehvi' trades off several properties: it needs goal 'pareto'",
      'Choose another strategy',
    );
  }
  if (!(PARETO_STRATEGIES as readonly string[]).includes(strategy)) {
    throw notOffered(
      `'${strategy}' goes by one property, and goal 'pareto' has several`,
      `Choose one of ${PARETO_STRATEGIES.join(', ')}`,
    );
  }
  const sorted = sortProperties(request);
  const { usable, leftOut } = sorted;
  if (usable.length >= 2) {
    const tradeOff = tradeOffOf(sorted);
    const weakest = weakestOf(usable);
    return {
      request: seenFrom(request, weakest),
      tradeOff,
      property: weakest.property,
      why: whyTradeOff(tradeOff),
    };
  }
  const [only] = usable;
  const why = whyNoTradeOff(only?.property, leftOut);
  return { request: only ? byOne(request, only) : alone(request), tradeOff: null, why };
}

const notOffered = (what: string, remedy: string) =>
  new TitrateError('config-invalid', { what, where: 'acquisition.strategy', remedy });
