import { bestOf, hashOrder } from '../ranking';
import type { Choosing } from '../strategies';
import { jointDraws, saidOf } from './by-hypervolume';
import { along, directionsOf } from './directions';
import { scalarisedReason } from './reasons';
import type { TradeOff } from './trade-off';

/** Draws of a batch, at most; a larger one goes round again, from other directions. */
const MOST_DRAWS = 512;

/**
 * Each pick is the best of its own posterior draw, looked at from a direction of its own: the hypervolume scalarisation of Zhang and Golovin
 * (2020). The directions of a batch spread over the front.
 */
export async function pickByScalarisedDraws(choosing: Choosing, tradeOff: TradeOff): Promise<void> {
  const { request, batch, part, until } = choosing;
  const wanted = until - batch.picks.length;
  const count = Math.min(MOST_DRAWS, wanted);
  const joint = await jointDraws(choosing, tradeOff, count, 'thompson');
  if (!joint) return batch.offered.clear();
  const { draws, held } = joint;
  const { moleculeIds, values } = draws;
  const m = values.length;
  const directions = directionsOf(m, wanted);
  const ties = hashOrder(moleculeIds, request.seed, 'tie');
  const open = new Set<number>();
  for (let row = held; row < moleculeIds.length; row++) open.add(row);
  for (let k = 0; batch.picks.length < until && open.size > 0;) {
    const draw = k % count;
    const reach = (row: number) =>
      along(
        values.map((own) => own[row * count + draw]!),
        directions,
        k * m,
      );
    const row = bestOf(open, reach, ties);
    open.delete(row);
    const value = reach(row);
    if (!batch.allows(moleculeIds[row]!, value)) continue;
    const weights = Array.from({ length: m }, (_, i) => directions[k * m + i]! ** 2);
    const reason = scalarisedReason(tradeOff.objectives, saidOf(draws, row), weights, draw + 1, count);
    batch.take({ moleculeId: moleculeIds[row]!, strategy: part.strategy, value, reason });
    k++;
  }
}
