import { featurizerName, TitrateError } from '../contracts';
import { Coverage, farthestFirst, greedyMedoids, sparseRowsOf, type SparseRows } from './distance';
import { hashOrder } from './ranking';
import { coverageReason, distanceReason } from './reasons';
import { heldBy, sampleOf, type Choosing } from './strategies';

/** Candidates among which distances are looked at: of a larger pool so many, drawn by a seeded hash. */
const MAXMIN_ROWS = 20_000;
const CORE_SET_ROWS = 4000;
/** Molecules that coverage is reckoned over. */
const REFERENCE_ROWS = 2000;

interface Molecules {
  readonly ids: readonly string[];
  readonly rows: SparseRows;
  /** Rows of what is measured, at the lab or in the batch, before those of the candidates. */
  readonly held: number;
}

async function moleculesOf(choosing: Choosing, count: number): Promise<Molecules> {
  const { request, batch, part } = choosing;
  const held = [...new Set([...(request.measured ?? []), ...heldBy(choosing, Infinity)])].sort();
  const size = Math.max(count, 4 * (choosing.until - batch.picks.length));
  const candidates = sampleOf([...batch.offered], size, request.seed, 'spread');
  const ids = [...held, ...candidates];
  const features = await request.featuresOf(ids);
  const rows = sparseRowsOf(features);
  if (rows) return { ids, rows, held: held.length };
  throw new TitrateError('config-invalid', {
    what: `'${part.strategy}' needs to know how similar molecules are, and ${featurizerName(features.spec)} does not tell`,
    where: 'acquisition.strategy',
    remedy: 'Use a featurizer with bits or counts, or another strategy',
  });
}

const span = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** MaxMin: as far as can be from what is measured, at the lab and in the batch. */
export async function pickFarthest(choosing: Choosing): Promise<void> {
  const { request, batch, part, until } = choosing;
  const { ids, rows, held } = await moleculesOf(choosing, MAXMIN_ROWS);
  const ties = hashOrder(ids, request.seed, 'tie');
  const picks = farthestFirst({
    ...{ molecules: rows, ties },
    held: span(0, held),
    candidates: span(held, ids.length),
  });
  let taken = false;
  while (batch.picks.length < until) {
    const { value, done } = picks.next(taken);
    if (done) return;
    const { row, nearest } = value;
    const distance = 1 - (nearest ?? 0);
    taken = batch.allows(ids[row]!, distance);
    if (!taken) continue;
    const reason = distanceReason(nearest);
    batch.take({ moleculeId: ids[row]!, strategy: part.strategy, value: distance, reason });
  }
}

/** Core-set: molecules that stand for the part of the pool that nothing measured, at the lab or in the batch stands for. */
export async function pickCoreSet(choosing: Choosing): Promise<void> {
  const { request, batch, part, until } = choosing;
  const { ids, rows, held } = await moleculesOf(choosing, CORE_SET_ROWS);
  const reference = sparseRowsOf(await request.featuresOf(ids.slice(held, held + REFERENCE_ROWS)))!;
  const coverage = new Coverage(reference);
  for (let row = 0; row < held; row++) coverage.hold(rows, row);
  const ties = hashOrder(ids, request.seed, 'tie');
  const picks = greedyMedoids({ ...{ molecules: rows, coverage, ties }, candidates: span(held, ids.length) });
  let taken = false;
  while (batch.picks.length < until) {
    const { value, done } = picks.next(taken);
    if (done) return;
    const gain = value.gain / reference.rows;
    taken = batch.allows(ids[value.row]!, gain);
    if (!taken) continue;
    const reason = coverageReason(gain, reference.rows);
    batch.take({ moleculeId: ids[value.row]!, strategy: part.strategy, value: gain, reason });
  }
}
