import { TitrateError } from '../../contracts';
import type { ChooseRequest } from '../acquisition';
import type { Beliefs, Listed, Moments, Ranked, ScoredLists } from '../beliefs';
import { bestMoments, paretoShortlist, viewOf } from '../pareto';
import { bestOfAll, joinAll, scoredBy, shortlist } from '../scoring';
import { utilityOf, type PointwiseStrategy, type UtilityRequest } from '../utilities';

/** A shortlist that a batch will be chosen from: plain data, so that another process can make it. */
export type WantedList =
  | {
      readonly by: 'utility';
      readonly strategy: PointwiseStrategy;
      readonly request: UtilityRequest;
      readonly count: number;
    }
  /** By what a candidate is expected to add to the front: goal `pareto`. */
  | { readonly by: 'front'; readonly count: number };

type Column = readonly number[];
type Stored = { readonly moleculeIds: readonly string[] } & Readonly<
  Record<'mean' | 'sigma' | 'noise', Column>
>;
interface StoredMoments {
  readonly moleculeId: string;
  readonly mean: Column;
  readonly sigma: Column;
  readonly score: number;
}

/** A list as it is kept: plain JSON, from which every number comes back to the last bit. Scores, which may be infinite, are worked out again. */
export interface StoredList {
  readonly wanted: WantedList;
  readonly beliefs?: Stored;
  readonly moments?: readonly StoredMoments[];
}

/** Makes the lists from the molecules and the features of the request, which may be a part of a pool. @throws as chooseBatch */
export async function scoreLists(asked: ChooseRequest, wanted: readonly WantedList[]): Promise<StoredList[]> {
  const { request, tradeOff } = viewOf(asked);
  const pending = new Set(request.pending ?? []);
  const offered = new Set(
    request.moleculeIds.filter((id) => !pending.has(id) && (!request.rules || request.rules.admits(id))),
  );
  const lists: StoredList[] = [];
  for (const list of wanted) {
    request.signal?.throwIfAborted();
    if (list.by === 'front') {
      const { candidates } = await paretoShortlist(request, tradeOff!, list.count, offered);
      const moments = candidates.map(({ moleculeId, mean, sigma, score }) => ({
        ...{ moleculeId, mean: [...mean], sigma: [...sigma], score },
      }));
      lists.push({ wanted: list, moments });
    } else {
      const utility = utilityOf(list.strategy, list.request);
      const ranked = await shortlist(request, request.surrogate!, utility, list.count, offered);
      const { moleculeIds, mean, sigma, noise } = ranked;
      const beliefs = { moleculeIds, mean: [...mean], sigma: [...sigma], noise: [...noise] };
      lists.push({ wanted: list, beliefs });
    }
  }
  return lists;
}

/** What a list goes by. */
export const listKey = (list: WantedList): string =>
  list.by === 'front' ? 'front' : utilityOf(list.strategy, list.request).key;

/**
 * Lists of the parts of a pool, made into lists of the whole: what the best of the whole are, is among the best of the parts, under the same order.
 * @param lists of every part the same ones, in whatever order
 * @throws internal for lists of different lengths
 */
export function joinLists(seed: number, lists: readonly StoredList[]): ScoredLists {
  const byUtility = new Map<string, Listed<Ranked>>();
  let byFront: Listed<readonly Moments[]> | undefined;
  for (const key of new Set(lists.map(({ wanted }) => listKey(wanted)))) {
    const own = lists.filter(({ wanted }) => listKey(wanted) === key);
    const { wanted } = own[0]!;
    const { count } = wanted;
    if (own.some((list) => list.wanted.count !== count)) {
      throw new TitrateError('internal', {
        what: `parts of the pool have shortlists of ${own.map((list) => list.wanted.count).join(', ')}; expected one length`,
        where: 'acquisition',
      });
    }
    if (wanted.by === 'front') {
      const all = own.flatMap(({ moments }) => moments!.map(momentsOf));
      byFront = { count, best: bestMoments(all, count, seed) };
    } else {
      const utility = utilityOf(wanted.strategy, wanted.request);
      const all = joinAll(own.map(({ beliefs }) => scoredBy(utility, beliefsOf(beliefs!))));
      const { direction } = wanted.request;
      byUtility.set(key, { count, best: bestOfAll({ seed, direction }, all, count) });
    }
  }
  return { byUtility, ...(byFront && { byFront }) };
}

const beliefsOf = ({ moleculeIds, mean, sigma, noise }: Stored): Beliefs => ({
  moleculeIds,
  mean: Float64Array.from(mean),
  sigma: Float64Array.from(sigma),
  noise: Float64Array.from(noise),
});

const momentsOf = ({ mean, sigma, ...rest }: StoredMoments): Moments => ({
  ...rest,
  mean: Float64Array.from(mean),
  sigma: Float64Array.from(sigma),
});
