import type { CampaignConfig, FeatureMatrix, Prospects } from '../../contracts';
import { deriveSeed, normalCdf, selectFeatureRows } from '../../foundation';
import type { Surrogate } from '../acquisition';
import { descending, firstOf, hashOrder } from '../ranking';
import { beliefsOf } from '../scoring';

export interface ProspectsRequest {
  /** Molecules that may be picked, the batch among them. */
  readonly moleculeIds: readonly string[];
  readonly batch: readonly string[];
  readonly surrogate: Surrogate;
  readonly features: () => AsyncIterable<FeatureMatrix> | Iterable<FeatureMatrix>;
  readonly featuresOf: (moleculeIds: readonly string[]) => Promise<FeatureMatrix> | FeatureMatrix;
  readonly direction: CampaignConfig['objective']['direction'];
  /** Best measured value. */
  readonly best: number;
  readonly margin: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Molecules drawn jointly: those most probably better. */
const DRAWN = 500;
/** Joint draws: a probability of 5 % is then known to half a percent. */
const DRAWS = 2000;
/** For the batch, which may be larger. */
const BATCH_DRAWS = 1000;

/**
 * What the model expects of the molecules left, by true values (noise aside), with its calibrated deviations.
 *
 * The chance that any of them beats the best by more than the margin: of the molecules most probably better by joint draws, of all
 * others as if they were independent of one another and of those. Where predictions go together, that overstates the chance of the
 * others (Slepian 1962, Bell System Technical Journal 41, 463), so a campaign rather ends late. The draws' share is (hits + 1) /
 * (draws + 1): never nought.
 */
export async function prospectsOf(request: ProspectsRequest): Promise<Prospects> {
  const { moleculeIds, batch, best, margin, seed } = request;
  const chances = await chancesOf(request);
  const order = descending(chances, hashOrder(moleculeIds, seed, 'prospects'));
  const likely = firstOf(moleculeIds.keys(), DRAWN, order).filter((i) => chances[i]! > 0);
  const drawnJointly = new Set(likely);
  let noneOfTheOthers = 0;
  chances.forEach((chance, i) => {
    if (!drawnJointly.has(i)) noneOfTheOthers += Math.log1p(-chance);
  });
  const maxima = await bestOfDraws(
    request,
    likely.map((i) => moleculeIds[i]!),
    DRAWS,
    'left',
  );
  const hits = maxima.filter((gain) => gain > margin).length;
  const none = likely.length > 0 ? 1 - (hits + 1) / (DRAWS + 1) : 1;
  const gains = await bestOfDraws(request, batch, BATCH_DRAWS, 'batch');
  return {
    ...{ best, margin, left: moleculeIds.length, drawn: likely.length },
    chance: 1 - none * Math.exp(noneOfTheOthers),
    batchGain: gains.reduce((sum, gain) => sum + Math.max(0, gain), 0) / Math.max(1, gains.length),
    batchSize: batch.length,
  };
}

/** For each molecule by itself, the probability of being better than the best by more than the margin. */
async function chancesOf(request: ProspectsRequest): Promise<Float64Array> {
  const { moleculeIds, surrogate, direction, best, margin, signal } = request;
  const sign = direction === 'maximize' ? 1 : -1;
  const place = new Map(moleculeIds.map((id, i) => [id, i]));
  const chances = new Float64Array(moleculeIds.length);
  for await (const part of request.features()) {
    const rows = part.moleculeIds.flatMap((id, row) => (place.has(id) ? [row] : []));
    if (rows.length === 0) continue;
    const wanted = rows.length === part.rows ? part : selectFeatureRows(part, rows);
    const prediction = await surrogate.model.predict(wanted, signal);
    const { moleculeIds: ids, mean, sigma } = beliefsOf(wanted, prediction, surrogate.calibrationScale);
    ids.forEach((id, i) => {
      const short = sign * (best - mean[i]!) + margin;
      chances[place.get(id)!] = sigma[i]! > 0 ? normalCdf(-short / sigma[i]!) : Number(short < 0);
    });
  }
  return chances;
}

/** By how much the best of the molecules beats the best measured, in each of a number of joint draws; below 0 where it does not. */
async function bestOfDraws(
  { surrogate, featuresOf, direction, best, seed, signal }: ProspectsRequest,
  moleculeIds: readonly string[],
  count: number,
  purpose: string,
): Promise<number[]> {
  if (moleculeIds.length === 0) return [];
  const { model, calibrationScale } = surrogate;
  const sign = direction === 'maximize' ? 1 : -1;
  const features = await featuresOf(moleculeIds);
  const { mean } = await model.predict(features, signal);
  const draws = await model.sample(features, count, deriveSeed(seed, 'prospects', purpose), signal);
  return draws.map((draw) => {
    let top = -Infinity;
    // Draws deviate from the mean as the model has it; the calibrated deviation is so many times that.
    draw.forEach((value, i) => {
      top = Math.max(top, sign * (mean[i]! + calibrationScale * (value - mean[i]!) - best));
    });
    return top;
  });
}
