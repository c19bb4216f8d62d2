import { TitrateError, type FeatureMatrix } from '../contracts';
import { selectFeatureRows } from '../foundation';
import type { Prediction } from '../learning';
import type { ChooseRequest, Surrogate } from './acquisition';
import type { Beliefs, Listed, Ranked } from './beliefs';
import { descending, firstOf, hashOrder } from './ranking';
import type { NamedUtility, Utility } from './utilities';

export type { Beliefs, Listed, Ranked } from './beliefs';

/** Of a measurement, not of the function. */
export const totalOf = ({ sigma, noise }: Beliefs, i: number): number => Math.hypot(sigma[i]!, noise[i]!);

/** A prediction in the form that strategies use. @throws numerical for anything that is not a finite number */
export function beliefsOf(
  { moleculeIds }: Pick<FeatureMatrix, 'moleculeIds'>,
  { mean, epistemic, aleatoric }: Prediction,
  scale: number,
): Beliefs {
  const sound = (i: number) => {
    const [m, e, a] = [mean[i]!, epistemic[i]!, aleatoric[i]!];
    return Number.isFinite(m) && Number.isFinite(e) && Number.isFinite(a) && e >= 0 && a >= 0;
  };
  const wrong = moleculeIds.findIndex((_, i) => !sound(i));
  if (wrong >= 0) {
    throw new TitrateError('numerical', {
      what: `the model predicts mean ${mean[wrong]}, sigma ${epistemic[wrong]}, noise ${aleatoric[wrong]}; expected finite numbers, and deviations of 0 or more`,
      where: `candidate ${moleculeIds[wrong]}`,
      remedy: 'Look at the training of this round: a model that predicts no number cannot choose a batch',
    });
  }
  return {
    moleculeIds,
    mean,
    sigma: epistemic.map((deviation) => scale * deviation),
    noise: aleatoric.map((deviation) => scale * deviation),
  };
}

const EMPTY: Ranked = {
  moleculeIds: [],
  mean: new Float64Array(0),
  sigma: new Float64Array(0),
  noise: new Float64Array(0),
  score: new Float64Array(0),
};

/**
 * The `count` best of the offered candidates, best first. The pool streams through: memory follows a part and `count`. Ties go by the mean
 * (what the utility says where it has nothing to say), then by a seeded hash of the id, never by position. Where a list was made of the same candidates
 * beforehand and reaches far enough, it is what streaming would find.
 */
export async function shortlist(
  request: ChooseRequest,
  { model, calibrationScale }: Surrogate,
  utility: NamedUtility,
  count: number,
  offered: ReadonlySet<string>,
): Promise<Ranked> {
  const { signal, onScored } = request;
  const listed = request.scored?.byUtility.get(utility.key);
  const found = listed && stillOffered(listed, listed.best.moleculeIds, count, offered);
  if (found) return gather(listed.best, found);
  let kept = EMPTY;
  let done = 0;
  for await (const part of request.features()) {
    const rows = part.moleculeIds.flatMap((id, row) => (offered.has(id) ? [row] : []));
    if (rows.length === 0) continue;
    const wanted = rows.length === part.rows ? part : selectFeatureRows(part, rows);
    const floor = kept.score.length < count ? undefined : kept.score[count - 1];
    const beliefs = await promising(wanted, { model, calibrationScale }, utility, { count, floor, signal });
    kept = bestOfAll(request, joinAll([kept, scoredBy(utility, beliefs)]), count);
    done += rows.length;
    onScored?.(done, offered.size);
  }
  return kept;
}

export const scoredBy = (utility: Utility, beliefs: Beliefs): Ranked => ({
  ...beliefs,
  score: beliefs.mean.map((m, i) => utility.score(m, beliefs.sigma[i]!, beliefs.noise[i]!)),
});

/** The `count` best, best first, under the order of every shortlist. */
export function bestOfAll(
  { seed, direction }: Pick<ChooseRequest, 'seed' | 'direction'>,
  all: Ranked,
  count: number,
): Ranked {
  const { moleculeIds, mean, score } = all;
  const sign = direction === 'maximize' ? 1 : -1;
  const better = descending(
    mean.map((m) => sign * m),
    hashOrder(moleculeIds, seed, 'tie'),
  );
  return gather(all, firstOf(moleculeIds.keys(), count, descending(score, better)));
}

/**
 * The first `count` of a list that are still offered, by their places in it. Null where candidates beyond the list could be among them: it is as long as
 * it was asked to be, and too few are left of it.
 */
export function stillOffered(
  listed: Listed<unknown>,
  moleculeIds: readonly string[],
  count: number,
  offered: ReadonlySet<string>,
): number[] | null {
  const found: number[] = [];
  for (let i = 0; i < moleculeIds.length && found.length < count; i++)
    if (offered.has(moleculeIds[i]!)) found.push(i);
  return found.length === count || moleculeIds.length < listed.count ? found : null;
}

/** What the model says of the rows, those left out that can be shown to be none of the best. */
async function promising(
  features: FeatureMatrix,
  { model, calibrationScale: scale }: Surrogate,
  utility: Utility,
  { count, floor, signal }: { count: number; floor: number | undefined; signal: AbortSignal | undefined },
): Promise<Beliefs> {
  if (!model.best || !utility.monotone || count >= features.rows)
    return beliefsOf(features, await model.predict(features, signal), scale);
  const { rows, prediction } = await model.best(
    features,
    {
      ...{ count, floor },
      score: (mean, epistemic, aleatoric) => utility.score(mean, scale * epistemic, scale * aleatoric),
    },
    signal,
  );
  return beliefsOf({ moleculeIds: Array.from(rows, (row) => features.moleculeIds[row]!) }, prediction, scale);
}

/** What the model says of the named molecules, in their order. */
export async function believe(
  request: ChooseRequest,
  { model, calibrationScale }: Surrogate,
  moleculeIds: readonly string[],
): Promise<Beliefs> {
  if (moleculeIds.length === 0) return EMPTY;
  const features = await request.featuresOf(moleculeIds);
  return beliefsOf(features, await model.predict(features, request.signal), calibrationScale);
}

/** One after the other. */
export function joinAll(parts: readonly Ranked[]): Ranked {
  const moleculeIds = parts.flatMap((part) => part.moleculeIds);
  const column = (name: 'mean' | 'sigma' | 'noise' | 'score') => {
    const out = new Float64Array(moleculeIds.length);
    let at = 0;
    for (const part of parts) {
      out.set(part[name], at);
      at += part.moleculeIds.length;
    }
    return out;
  };
  return {
    moleculeIds,
    ...{ mean: column('mean'), sigma: column('sigma'), noise: column('noise'), score: column('score') },
  };
}

export function gather(all: Ranked, rows: readonly number[]): Ranked {
  const take = (column: Float64Array) => Float64Array.from(rows, (row) => column[row]!);
  return {
    moleculeIds: rows.map((row) => all.moleculeIds[row]!),
    ...{ mean: take(all.mean), sigma: take(all.sigma), noise: take(all.noise), score: take(all.score) },
  };
}
