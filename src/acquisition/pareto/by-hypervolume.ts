import { TOLD } from '../batch';
import { bestOf, firstOf, hashOrder, type Order } from '../ranking';
import { outrankedReason } from '../reasons';
import { tradedRows } from '../rows-wanted';
import { heldBy, type Choosing } from '../strategies';
import { drawJointly, type Draws } from './draws';
import { HypervolumeGain } from './hypervolume-gain';
import { coveredReason, hypervolumeReason, type Said } from './reasons';
import { paretoShortlist } from './shortlist';
import type { TradeOff } from './trade-off';

/** Posterior draws; each is looked at from several directions. */
const DRAWS = 128;
/** What a candidate would add has fallen to this share of what it would add by itself: told of as the reason why it was passed over. */
const COVERED = 0.5;

/** Draws of what is held, then of the candidates, who are the best one by one. */
export interface Joint {
  readonly draws: Draws;
  /** Rows of molecules at the lab, in the batch, or measured in part. */
  readonly held: number;
  /** By row: what it is expected to add by itself, exactly; of held rows nothing. */
  readonly alone: Float64Array;
}

/** The shortlist under joint draws; null where no offered molecule has features. */
export async function jointDraws(
  choosing: Choosing,
  tradeOff: TradeOff,
  count: number,
  purpose: string,
): Promise<Joint | null> {
  const { request, batch, until } = choosing;
  const rows = tradedRows(until - batch.picks.length);
  const { candidates, partial } = await paretoShortlist(request, tradeOff, rows, batch.offered);
  if (candidates.length === 0) return null;
  // In a fixed order, so that no draw depends on how the pool is listed.
  const held = [...new Set([...heldBy(choosing), ...partial])].sort();
  const sorted = [...candidates].sort((a, b) => (a.moleculeId < b.moleculeId ? -1 : 1));
  const ids = [...held, ...sorted.map(({ moleculeId }) => moleculeId)];
  const draws = await drawJointly(request, tradeOff, ids, count, `${purpose}/${held.length}`);
  const alone = Float64Array.from([...held.map(() => 0), ...sorted.map(({ score }) => score)]);
  return { draws, held: held.length, alone };
}

/** What the models say of a row, in the properties' units. */
export const saidOf = ({ beliefs }: Draws, row: number): Said => ({
  mean: beliefs.map(({ mean }) => mean[row]!),
  sigma: beliefs.map(({ sigma }) => sigma[row]!),
});

/**
 * Expected hypervolume improvement of a batch, pick by pick: the candidate that adds most, in expectation over joint draws, to what the measured
 * molecules, those at the lab and the picks before it cover (Daulton et al. 2021; the hypervolume by scalarisations, hypervolume-gain.ts). Among those that
 * add nothing in any draw, the best one by one.
 */
export async function pickByHypervolume(choosing: Choosing, tradeOff: TradeOff): Promise<void> {
  const { request, batch, part, until } = choosing;
  const joint = await jointDraws(choosing, tradeOff, DRAWS, 'ehvi');
  if (!joint) return batch.offered.clear();
  const { draws, held, alone } = joint;
  const { moleculeIds } = draws;
  const { objectives } = tradeOff;
  const unit = objectives.reduce((product, each) => product * each.unit, 1);
  const gain = new HypervolumeGain(draws, tradeOff.front);
  for (let row = 0; row < held; row++) gain.holdRow(row);

  const open = new Set<number>();
  for (let row = held; row < moleculeIds.length; row++) open.add(row);
  const hash = hashOrder(moleculeIds, request.seed, 'tie');
  const ties: Order = (a, b) => alone[b]! - alone[a]! || hash(a, b);
  // What a row adds never rises, so what it added before bounds what it adds now: only what could be the best is worked out again.
  const bound = Float64Array.from(alone, (_, row) => (row < held ? 0 : gain.of(row)));
  const first = Float64Array.from(bound);
  let picked = 0;
  const known = new Int32Array(moleculeIds.length);
  const next = (): number => {
    for (;;) {
      const row = bestOf(open, (each) => bound[each]!, ties);
      if (known[row] === picked) return row;
      bound[row] = gain.of(row);
      known[row] = picked;
    }
  };
  const byFirst = firstOf(open, Infinity, (a, b) => first[b]! - first[a]! || ties(a, b));
  let above = 0;
  /** Tells of the one that stood higher by itself, where the batch covers it. */
  const tellAbove = (row: number) => {
    while (above < byFirst.length && !open.has(byFirst[above]!)) above++;
    const other = byFirst[above];
    if (other === undefined || !(first[other]! > first[row]!)) return;
    bound[other] = gain.of(other);
    known[other] = picked;
    if (bound[other]! > COVERED * first[other]!) return;
    const why = coveredReason(first[other]!, bound[other]!);
    batch.passOver({ moleculeId: moleculeIds[other]!, value: first[other]! * unit, why });
  };

  while (batch.picks.length < until && open.size > 0) {
    const row = next();
    open.delete(row);
    const value = bound[row]! * unit;
    if (!batch.allows(moleculeIds[row]!, value)) continue;
    tellAbove(row);
    const { whole } = gain;
    const numbers = {
      ...{ gain: value, share: whole > 0 ? bound[row]! / whole : null },
      ...{ towards: gain.towards(row), notDominated: gain.notDominated(row) },
    };
    const reason = hypervolumeReason(objectives, saidOf(draws, row), numbers);
    gain.holdRow(row);
    picked++;
    batch.take({ moleculeId: moleculeIds[row]!, strategy: part.strategy, value, reason });
  }
  const after: number[] = [];
  while (after.length < TOLD && open.size > 0) {
    after.push(next());
    open.delete(after.at(-1)!);
  }
  batch.cameNext(
    after.map((row) => ({
      ...{ moleculeId: moleculeIds[row]!, value: bound[row]! * unit },
      why:
        bound[row]! <= COVERED * first[row]!
          ? coveredReason(first[row]!, bound[row]!)
          : outrankedReason(part.strategy),
    })),
  );
}
