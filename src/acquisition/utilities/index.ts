import { canonicalJson, TitrateError } from '../../contracts';
import type { PickStrategy } from '../acquisition';
import { greedy, improvement, probability, upperBound } from './bounds';
import { information, uncertainty } from './information';
import { inRange, nearRange, towardsRange } from './membership';
import type { NamedUtility, Utility, UtilityRequest } from './utility';

export { digamma, labelInformation } from './information';
export { distanceTo, improvementTowards, logMass } from './membership';
export type { Belief, NamedUtility, Utility, UtilityRequest } from './utility';

/** Strategies that score candidates one by one. */
export const POINTWISE = ['greedy', 'ucb', 'ei', 'log-ei', 'pi', 'uncertainty', 'bald'] as const;
export type PointwiseStrategy = (typeof POINTWISE)[number];

export const isPointwise = (strategy: PickStrategy): strategy is PointwiseStrategy =>
  (POINTWISE as readonly string[]).includes(strategy);

/** Whether improvement is measured from the best prediction, for want of anything else. */
export const needsReference = (strategy: PickStrategy, { goal, incumbent }: UtilityRequest): boolean =>
  (strategy === 'ei' || strategy === 'log-ei' || strategy === 'pi') &&
  incumbent === null &&
  (goal.kind === 'best' || goal.kind === 'learn');

/** The score of a pointwise strategy under a goal. @throws internal for another strategy */
export const utilityOf = (strategy: PickStrategy, request: UtilityRequest): NamedUtility => ({
  ...scoreOf(strategy, request),
  key: canonicalJson({ strategy, ...request }),
});

/** What joint draws are made of: candidates with the best mean + 2 sigma. */
export const OPTIMISM: Pick<UtilityRequest, 'kappa' | 'goal'> = { kappa: 2, goal: { kind: 'best' } };
export const optimismOf = (request: UtilityRequest): NamedUtility =>
  utilityOf('ucb', { ...request, ...OPTIMISM });

function scoreOf(strategy: PickStrategy, request: UtilityRequest): Utility {
  const range = request.goal.kind === 'range' ? request.goal : null;
  switch (strategy) {
    case 'greedy':
      return range ? nearRange(range, 0) : greedy(request);
    case 'ucb':
      return range ? nearRange(range, request.kappa) : upperBound(request);
    case 'ei':
    case 'log-ei':
      return range ? towardsRange(range, request) : improvement(request, strategy === 'log-ei');
    case 'pi':
      return range ? inRange(range) : probability(request);
    case 'uncertainty':
      return uncertainty();
    case 'bald':
      return information(request.task);
    default:
      throw new TitrateError('internal', { what: `'${strategy}' does not score candidates one by one` });
  }
}
