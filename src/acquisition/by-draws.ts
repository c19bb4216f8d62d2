import { createRandom, deriveSeed } from '../foundation';
import { holdAll } from './by-covariance';
import { jointOf } from './joint';
import { bestOf, hashOrder } from './ranking';
import { thompsonReason } from './reasons';
import { drawnRows } from './rows-wanted';
import { believe, shortlist } from './scoring';
import { heldBy, type Choosing } from './strategies';
import { optimismOf } from './utilities';

/**
 * Posterior draw k picks its best candidate not yet taken (Kandasamy et al. 2018), among the candidates with the best mean + 2 sigma: one
 * outside would have to be drawn more than two standard deviations up to win. What is held is taken to measure what the model expects:
 * each draw is moved by what that tells of it (Matheron's rule).
 */
export async function pickByDraws(choosing: Choosing): Promise<void> {
  const { batch, part, request, surrogate, utilityRequest, until } = choosing;
  const held = heldBy(choosing);
  const optimism = optimismOf(utilityRequest);
  const ranked = await shortlist(
    request,
    surrogate,
    optimism,
    drawnRows(held.length, until - batch.picks.length),
    batch.offered,
  );
  if (ranked.moleculeIds.length === 0) return batch.offered.clear();
  // Draws are made of rows in a fixed order, so that none depends on how the pool is listed.
  const candidates = [...ranked.moleculeIds].sort();
  const ids = [...held, ...candidates];
  const features = await request.featuresOf(ids);
  const count = until - batch.picks.length;
  const { model, calibrationScale } = surrogate;
  const seed = deriveSeed(request.seed, 'thompson', held.length);
  const draws = await model.sample(features, count, seed, request.signal);
  const joint = held.length > 0 ? await jointOf(request, surrogate, held, candidates) : null;
  const beliefs = joint?.beliefs ?? (await believe(request, surrogate, ids));
  const { mean } = beliefs;
  for (const draw of draws)
    for (let i = 0; i < draw.length; i++) draw[i] = mean[i]! + calibrationScale * (draw[i]! - mean[i]!);
  if (joint) {
    const random = createRandom(deriveSeed(seed, 'noise'));
    holdAll(joint, (row) => {
      const deviation = Math.sqrt(joint.posterior.variance[row]! + joint.noise[row]!);
      const step = joint.posterior.condition(row);
      for (const draw of draws) {
        const seen = draw[row]! + Math.sqrt(joint.noise[row]!) * random.normal();
        const move = deviation > 0 ? (mean[row]! - seen) / deviation : 0;
        for (let i = 0; i < draw.length; i++) draw[i]! += step[i]! * move;
      }
    });
  }
  const sign = request.direction === 'maximize' ? 1 : -1;
  const ties = hashOrder(ids, request.seed, 'tie');
  const open = new Set(ids.keys());
  for (let row = 0; row < held.length; row++) open.delete(row);
  for (let k = 0; batch.picks.length < until && open.size > 0;) {
    const draw = draws[k % draws.length]!;
    const row = bestOf(open, (i) => sign * draw[i]!, ties);
    open.delete(row);
    const value = draw[row]!;
    if (!batch.allows(ids[row]!, value)) continue;
    const { sigma } = beliefs;
    const reason = thompsonReason(mean[row]!, sigma[row]!, value, (k % draws.length) + 1, draws.length);
    batch.take({ moleculeId: ids[row]!, strategy: part.strategy, value, reason });
    k++;
  }
}
