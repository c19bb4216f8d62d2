import { selectFeatureRows } from '../../foundation';
import type { ChooseRequest } from '../acquisition';
import type { Moments } from '../beliefs';
import { descending, firstOf, hashOrder } from '../ranking';
import { believe, beliefsOf, stillOffered, type Beliefs } from '../scoring';
import { pointwiseGain, type PointwiseGain } from './pointwise';
import { scaled, type Scaled, type TradeOff } from './trade-off';

/** Molecules with some of their values that may be on the front all the same, at most: those that are expected to add most. */
const MOST_PARTIAL = 256;

function momentsAt(objectives: readonly Scaled[], beliefs: readonly Beliefs[], row: number) {
  const id = beliefs[0]!.moleculeIds[row]!;
  const known = objectives.map(({ values }) => values.get(id));
  return {
    moleculeId: id,
    mean: Float64Array.from(objectives, (each, i) => scaled(each, known[i] ?? beliefs[i]!.mean[row]!)),
    sigma: Float64Array.from(objectives, ({ unit }, i) =>
      known[i] === undefined ? beliefs[i]!.sigma[row]! / unit : 0,
    ),
  };
}

/** Molecules with some of their values: the means stand in for those that are missing. Those that could add to the front, the most promising first. */
async function partialMoments(
  request: ChooseRequest,
  { objectives, front, partial }: TradeOff,
): Promise<Moments[]> {
  if (partial.length === 0) return [];
  const beliefs: Beliefs[] = [];
  for (const { surrogate } of objectives) beliefs.push(await believe(request, surrogate, partial));
  const gain = pointwiseGain(front, objectives.length);
  const all = partial.map((_, row) => {
    const moments = momentsAt(objectives, beliefs, row);
    return { ...moments, score: gain(moments.mean, moments.sigma) };
  });
  const score = Float64Array.from(all, (each) => each.score);
  const order = descending(score, hashOrder(partial, request.seed, 'tie'));
  return firstOf(all.keys(), MOST_PARTIAL, order).flatMap((at) => (all[at]!.score > 0 ? [all[at]!] : []));
}

export interface ParetoShortlist {
  /** The best so many, best first. */
  readonly candidates: readonly Moments[];
  /** Ids of molecules with some of their values that could be on the front. */
  readonly partial: readonly string[];
}

/**
 * The `count` offered candidates that are expected to add most to the front, one by one, best first. The pool streams through: memory follows a
 * part and `count`. Ties go by a seeded hash of the id. A list made beforehand that reaches far enough is taken.
 */
export async function paretoShortlist(
  request: ChooseRequest,
  tradeOff: TradeOff,
  count: number,
  offered: ReadonlySet<string>,
): Promise<ParetoShortlist> {
  const partial = await partialMoments(request, tradeOff);
  const partialIds = partial.map(({ moleculeId }) => moleculeId);
  const listed = request.scored?.byFront;
  const ids = listed?.best.map(({ moleculeId }) => moleculeId) ?? [];
  const found = listed && stillOffered(listed, ids, count, offered);
  if (found) return { candidates: found.map((at) => listed.best[at]!), partial: partialIds };
  const points = [...tradeOff.front, ...partial.map(({ mean }) => mean)];
  const gain = pointwiseGain(points, tradeOff.objectives.length);
  let kept: Moments[] = [];
  let done = 0;
  for await (const part of request.features()) {
    const rows = part.moleculeIds.flatMap((id, row) => (offered.has(id) ? [row] : []));
    if (rows.length === 0) continue;
    const wanted = rows.length === part.rows ? part : selectFeatureRows(part, rows);
    const beliefs: Beliefs[] = [];
    for (const { surrogate } of tradeOff.objectives) {
      const prediction = await surrogate.model.predict(wanted, request.signal);
      beliefs.push(beliefsOf(wanted, prediction, surrogate.calibrationScale));
    }
    kept = bestMoments([...kept, ...scoredRows(tradeOff.objectives, beliefs, gain)], count, request.seed);
    done += rows.length;
    request.onScored?.(done, offered.size);
  }
  return { candidates: kept, partial: partialIds };
}

function scoredRows(
  objectives: readonly Scaled[],
  beliefs: readonly Beliefs[],
  gain: PointwiseGain,
): Moments[] {
  return beliefs[0]!.moleculeIds.map((_, row) => {
    const moments = momentsAt(objectives, beliefs, row);
    return { ...moments, score: gain(moments.mean, moments.sigma) };
  });
}

/** The `count` best, best first. */
export function bestMoments(all: readonly Moments[], count: number, seed: number): Moments[] {
  const score = Float64Array.from(all, (each) => each.score);
  const ids = all.map(({ moleculeId }) => moleculeId);
  return firstOf(all.keys(), count, descending(score, hashOrder(ids, seed, 'tie'))).map((at) => all[at]!);
}
