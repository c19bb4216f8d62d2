import type { ChooseRequest } from './acquisition';
import type { View } from './pareto';
import { decide, type Decision } from './policy';
import type { UtilityRequest } from './utilities';

/** How large the batch can be, and what the decision rests on beside the request. */
export interface Circumstances {
  readonly batchSize: number;
  /** Molecules at the lab. */
  readonly pending: number;
  /** Whether the features tell how alike molecules are. */
  readonly comparable: boolean;
}

/** What a batch is chosen by. Who makes shortlists beforehand decides by this as well, so that they are the ones that will be asked for. */
export function decisionFor({ request, property, why }: View, circumstances: Circumstances): Decision {
  const decided = decide({
    ...circumstances,
    ...{ acquisition: request.acquisition, goal: request.goal ?? { kind: 'best' } },
    modelled: request.surrogate !== null,
    ...(property !== undefined && { weakest: property }),
    evidence: request.evidence ?? { labels: request.measured?.length ?? 0, round: 1 },
  });
  return why === undefined ? decided : { ...decided, why: `${why} ${decided.why}` };
}

/** What pointwise scores are made from, but for the best prediction where one is needed. */
export function utilityRequestFor(request: ChooseRequest, { kappa }: Decision): UtilityRequest {
  const { direction, goal = { kind: 'best' }, task = 'regression', incumbent } = request;
  return { direction, goal, task, kappa, incumbent };
}
