import type { PassedOver } from './acquisition';
import { TOLD, type Batch } from './batch';
import { firstOf, hashOrder } from './ranking';
import { outrankedReason, randomReason } from './reasons';
import { rankedRows } from './rows-wanted';
import { shortlist } from './scoring';
import { scoredPick, type Choosing } from './strategies';
import { utilityOf } from './utilities';

/** Ranks all candidates once and takes them from the top. */
export async function pickByRank(choosing: Choosing): Promise<void> {
  const { request, batch, part, surrogate, utilityRequest, until } = choosing;
  const utility = utilityOf(part.strategy, utilityRequest);
  const wanted = until - batch.picks.length;
  const count = rankedRows(wanted, request.rules !== undefined);
  const ranked = await shortlist(request, surrogate, utility, count, batch.offered);
  const next: PassedOver[] = [];
  for (const [i, moleculeId] of ranked.moleculeIds.entries()) {
    if (next.length === TOLD) break;
    const pick = scoredPick({ part, utility }, ranked, i);
    if (batch.picks.length >= until)
      next.push({ moleculeId, value: pick.value!, why: outrankedReason(part.strategy) });
    else if (batch.allows(moleculeId, pick.value)) batch.take(pick);
  }
  batch.cameNext(next);
  // Those without features cannot be scored.
  if (ranked.moleculeIds.length < count && batch.picks.length < until) batch.offered.clear();
}

/** Takes candidates by chance, by a seeded hash of their ids. */
export function pickAtRandom(
  batch: Batch,
  until: number,
  seed: number,
  why: 'no-model' | 'strategy' | 'share',
): void {
  const ids = [...batch.offered];
  const from = ids.length;
  while (batch.picks.length < until && batch.offered.size > 0) {
    const left = ids.filter((id) => batch.offered.has(id));
    const wanted = until - batch.picks.length;
    for (const i of firstOf(left.keys(), wanted, hashOrder(left, seed, 'random'))) {
      if (!batch.allows(left[i]!)) continue;
      batch.take({ moleculeId: left[i]!, strategy: 'random', reason: randomReason(from, why) });
    }
  }
}
