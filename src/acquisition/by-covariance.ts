import { TOLD } from './batch';
import { IntegratedVariance, jointOf, type Joint } from './joint';
import { bestOf, descending, firstOf, hashOrder, type Order } from './ranking';
import { determinantReason, integratedVarianceReason, outrankedReason, redundantReason } from './reasons';
import { jointRows, sampledRows } from './rows-wanted';
import { shortlist } from './scoring';
import { beliefAt, heldBy, scoredPick, sampleOf, type Choosing } from './strategies';
import { utilityOf, type NamedUtility } from './utilities';

/** A standard deviation that has fallen to this share of what it was is told of as the reason why a candidate was passed over. */
const REDUNDANT = 0.8;

/** The best so many by their own score, and what is held, under one posterior. */
async function jointShortlist(choosing: Choosing, utility: NamedUtility): Promise<Joint> {
  const { request, batch, surrogate, until } = choosing;
  const held = heldBy(choosing);
  const rows = jointRows(held.length, until - batch.picks.length);
  const ranked = await shortlist(request, surrogate, utility, rows, batch.offered);
  if (ranked.moleculeIds.length === 0) batch.offered.clear();
  return jointOf(request, surrogate, held, ranked.moleculeIds);
}

export const holdAll = ({ held }: Joint, condition: (row: number) => unknown): void => {
  for (let row = 0; row < held; row++) condition(row);
};

const sumOf = (values: Float64Array, from = 0) => {
  let sum = 0;
  for (let i = from; i < values.length; i++) sum += values[i]!;
  return sum;
};

/** What a step of conditioning takes away, as a share of the `whole` variance. */
const taughtBy = (step: Float64Array, whole: number) =>
  whole > 0 ? step.reduce((sum, s) => sum + s * s, 0) / whole : 0;

/**
 * Takes the best row, takes its measurement as made, and goes on. @param score of a row now. @param take makes the pick, and is told
 * how much it teaches through `condition`.
 */
function fill(
  { batch, part, until, request }: Choosing,
  { beliefs, held, posterior }: Joint,
  score: (row: number) => number,
  take: (row: number) => void,
  valueOf: (row: number) => number = score,
  better: Order | null = null,
): void {
  const { moleculeIds } = beliefs;
  const hash = hashOrder(moleculeIds, request.seed, 'tie');
  const ties: Order = better ? (a, b) => better(a, b) || hash(a, b) : hash;
  const open = new Set<number>();
  for (let row = held; row < moleculeIds.length; row++) open.add(row);
  while (batch.picks.length < until && open.size > 0) {
    const row = bestOf(open, score, ties);
    open.delete(row);
    if (batch.allows(moleculeIds[row]!, valueOf(row))) take(row);
  }
  const next = firstOf(open, TOLD, (a, b) => score(b) - score(a) || ties(a, b)).map((row) => {
    const [before, now] = [beliefs.sigma[row]!, Math.sqrt(posterior.variance[row]!)];
    const why = now < REDUNDANT * before ? redundantReason(before, now) : outrankedReason(part.strategy);
    return { moleculeId: moleculeIds[row]!, value: valueOf(row), why };
  });
  batch.cameNext(next);
}

/**
 * A pointwise score, with what the batch and the lab will tell taken into account: after each pick its measurement is taken as made, with the
 * value that the model expects, so means stay and deviations shrink around it.
 */
export async function pickJointly(choosing: Choosing): Promise<void> {
  const { batch, part, utilityRequest, request } = choosing;
  const utility = utilityOf(part.strategy, utilityRequest);
  const joint = await jointShortlist(choosing, utility);
  const { beliefs, posterior } = joint;
  const { mean, noise, moleculeIds } = beliefs;
  const alone = mean.map((m, i) => utility.score(m, beliefs.sigma[i]!, noise[i]!));
  const whole = sumOf(posterior.variance);
  holdAll(joint, (row) => posterior.condition(row));
  const sign = request.direction === 'maximize' ? 1 : -1;
  const byMean: Order = (a, b) => sign * (mean[b]! - mean[a]!);
  const sigmaOf = (row: number) => Math.sqrt(posterior.variance[row]!);
  const score = (row: number) => utility.score(mean[row]!, sigmaOf(row), noise[row]!);
  const first = rankedFrom(joint, alone, request.seed);
  let next = 0;
  const take = (row: number) => {
    // Those that stood higher by themselves, were there no batch.
    while (next < first.length && batch.has(moleculeIds[first[next]!]!)) next++;
    const above = first[next];
    if (above !== undefined && above !== row && alone[above]! > alone[row]!) {
      const now = sigmaOf(above);
      if (now < REDUNDANT * beliefs.sigma[above]! && batch.offered.has(moleculeIds[above]!)) {
        const value = utility.value(beliefAt(beliefs, above));
        const why = redundantReason(beliefs.sigma[above]!, now);
        batch.passOver({ moleculeId: moleculeIds[above]!, value, why });
      }
    }
    const pick = scoredPick({ part, utility }, beliefs, row, sigmaOf(row));
    const step = posterior.condition(row);
    batch.take({ ...pick, teaches: taughtBy(step, whole) });
  };
  const valueOf = (row: number) => utility.value({ ...beliefAt(beliefs, row), sigma: sigmaOf(row) });
  fill(choosing, joint, score, take, valueOf, byMean);
}

function rankedFrom({ beliefs, held }: Joint, score: Float64Array, seed: number): number[] {
  const order = descending(score, hashOrder(beliefs.moleculeIds, seed, 'tie'));
  return Array.from({ length: score.length - held }, (_, i) => held + i).sort(order);
}

/** Integrated variance: what tells most of a sample of the whole pool. */
export async function pickByIntegratedVariance(choosing: Choosing): Promise<void> {
  const { batch, part, request, surrogate, until } = choosing;
  const held = heldBy(choosing);
  const rows = sampledRows(held.length, until - batch.picks.length);
  const sample = sampleOf([...batch.offered], rows, request.seed, 'reference');
  const joint = await jointOf(request, surrogate, held, sample);
  const { beliefs, posterior, covariance, noise } = joint;
  const whole = sumOf(posterior.variance);
  const integrated = new IntegratedVariance(posterior, covariance, noise);
  holdAll(joint, (row) => integrated.condition(row));
  fill(
    choosing,
    joint,
    (row) => integrated.gain(row),
    (row) => {
      const { mean, sigma } = beliefAt(beliefs, row);
      const value = integrated.gain(row);
      const left = sumOf(posterior.variance);
      integrated.condition(row);
      const share = left > 0 ? Math.min(1, value / left) : 0;
      batch.take({
        moleculeId: beliefs.moleculeIds[row]!,
        strategy: part.strategy,
        value,
        reason: integratedVarianceReason(mean, sigma, share, sample.length),
        teaches: whole > 0 ? Math.min(1, value / whole) : 0,
      });
    },
  );
}

/**
 * The batch whose measurements have the largest determinant: the row with the most left open, relative to its noise, time after time. That is
 * the pivoted Cholesky factorisation of covariance + noise, within 1 - 1/e of the largest log-determinant (Krause et al. 2008).
 */
export async function pickByDeterminant(choosing: Choosing): Promise<void> {
  const { batch, part, utilityRequest } = choosing;
  const joint = await jointShortlist(choosing, utilityOf('uncertainty', utilityRequest));
  const { beliefs, posterior, noise } = joint;
  const whole = sumOf(posterior.variance);
  holdAll(joint, (row) => posterior.condition(row));
  const { variance } = posterior;
  const score = (row: number) => (noise[row]! > 0 ? Math.log1p(variance[row]! / noise[row]!) / 2 : 0);
  fill(choosing, joint, score, (row) => {
    const { mean, sigma } = beliefAt(beliefs, row);
    const [value, left] = [score(row), Math.sqrt(variance[row]!)];
    const step = posterior.condition(row);
    batch.take({
      moleculeId: beliefs.moleculeIds[row]!,
      strategy: part.strategy,
      value,
      reason: determinantReason(mean, sigma, left),
      teaches: taughtBy(step, whole),
    });
  });
}
