/** Why a molecule was picked: one plain sentence with the numbers that decided it. Part of the sealed sheet, so spelt the same everywhere. */

/** The number with as many decimals as `resolution` (a standard deviation) deserves: two of its significant digits. */
function resolved(x: number, resolution: number): string {
  if (!(resolution > 0)) return short(x);
  const decimals = 1 - Math.floor(Math.log10(resolution));
  if (decimals > 6 || Math.abs(x) >= 1e15) return short(x);
  return plus(x.toFixed(Math.max(0, decimals)));
}

/** Three significant digits. */
export function short(x: number): string {
  return plus(String(Number(x.toPrecision(3))));
}

/** '-0.00' is 0.00. */
const plus = (text: string) => (/^-0(\.0*)?$/.test(text) ? text.slice(1) : text);

export const grouped = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** `a, b and c`. */
export const joinedBy = (words: readonly string[], last: 'and' | 'or') =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;

/** Two significant digits. */
const inPercent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
export const percent = (share: number) =>
  share > 0 && share < 0.0001 ? 'less than 0.01 %' : inPercent(share);

export const predicted = (mean: number, sigma: number) =>
  `predicted ${resolved(mean, sigma)} ± ${resolved(sigma, sigma)}`;

export function randomReason(candidates: number, why: 'no-model' | 'strategy' | 'share'): string {
  const base = `Picked at random from ${grouped(candidates)} candidates`;
  if (why === 'no-model') return `${base}: there is no model yet.`;
  if (why === 'share')
    return `${base}, whatever the model says of them: an unbiased yardstick for the other picks.`;
  return `${base}: the campaign picks at random.`;
}

export function greedyReason(
  mean: number,
  sigma: number,
  direction: 'maximize' | 'minimize',
  incumbent: number | null,
): string {
  const best = incumbent === null ? '' : ` (best measured: ${resolved(incumbent, sigma)})`;
  return `Among the ${direction === 'maximize' ? 'highest' : 'lowest'} predictions: ${predicted(mean, sigma)}${best}.`;
}

export function boundReason(
  mean: number,
  sigma: number,
  bound: number,
  kappa: number,
  direction: 'maximize' | 'minimize',
  incumbent: number | null,
): string {
  const best = incumbent === null ? '' : ` (best measured: ${resolved(incumbent, sigma)})`;
  const side = direction === 'maximize' ? 'high' : 'low';
  return `Could be as ${side} as ${resolved(bound, sigma)}, ${short(kappa)} standard deviations beyond its mean: ${predicted(mean, sigma)}${best}.`;
}

/** What improvement is measured from: a value, the best prediction where nothing uncensored has been measured, or a threshold. */
export type LevelKind = 'measured' | 'predicted' | 'threshold';
const LEVEL = { measured: 'the best', predicted: 'the best prediction', threshold: 'the threshold' };

export function improvementReason(
  mean: number,
  sigma: number,
  improvement: number,
  level: number,
  is: LevelKind,
): string {
  const gain =
    improvement === 0 && sigma > 0 ? 'less than 1e-300' : String(Number(improvement.toPrecision(2)));
  return `Expected to improve on ${LEVEL[is]} (${resolved(level, sigma)}) by ${gain}: ${predicted(mean, sigma)}.`;
}

export function probabilityReason(
  mean: number,
  sigma: number,
  probability: number,
  level: number,
  is: LevelKind,
): string {
  return `Beyond ${LEVEL[is]} (${resolved(level, sigma)}) with a probability of ${percent(probability)}: ${predicted(mean, sigma)}.`;
}

/** @param nearest distance to the range of the nearest measured value; absent where one lies in it. */
export function rangeReason(
  mean: number,
  sigma: number,
  range: { readonly from: number; readonly to: number },
  probability: number,
  nearest?: number,
): string {
  const yet = nearest === undefined ? '' : `; the nearest measured value is ${resolved(nearest, sigma)} away`;
  return `Between ${resolved(range.from, sigma)} and ${resolved(range.to, sigma)} with a probability of ${percent(probability)}: ${predicted(mean, sigma)}${yet}.`;
}

export function uncertaintyReason(mean: number, sigma: number): string {
  return `Among those that the model knows least of: ${predicted(mean, sigma)}.`;
}

export function informationReason(mean: number, sigma: number, nats: number): string {
  return `Its measurement is expected to tell ${String(Number(nats.toPrecision(2)))} nats of what the model does not know: ${predicted(mean, sigma)}.`;
}

/** @param share of the remaining variance over `reference` candidates. */
export function integratedVarianceReason(
  mean: number,
  sigma: number,
  share: number,
  reference: number,
): string {
  return `Measuring it would take away ${percent(share)} of what the model does not know of ${grouped(reference)} candidates: ${predicted(mean, sigma)}.`;
}

/** @param left its standard deviation, with what is at the lab and in the batch taken as known. */
export function determinantReason(mean: number, sigma: number, left: number): string {
  return `The rest of the batch leaves the most open of it (± ${resolved(left, left)}): ${predicted(mean, sigma)}.`;
}

/** @param similarity to the nearest molecule that is measured, at the lab or in the batch; null where there is none. */
export function distanceReason(similarity: number | null): string {
  if (similarity === null) return 'The first of a batch that is spread over the pool.';
  return `Unlike anything measured, at the lab or in the batch so far: the nearest has a similarity of ${similarity.toFixed(2)}.`;
}

/** @param gain mean rise of the similarity of the pool to its nearest measured or chosen molecule. */
export function coverageReason(gain: number, reference: number): string {
  return `Stands for the part of the pool that is covered least: it brings ${grouped(reference)} candidates nearer by ${gain.toPrecision(2)} on average.`;
}

/** @param draw 1-based number of the posterior draw. */
export function thompsonReason(
  mean: number,
  sigma: number,
  drawn: number,
  draw: number,
  draws: number,
): string {
  return `Best of those left in draw ${draw} of ${draws} from the model's posterior, with ${resolved(drawn, sigma)}: ${predicted(mean, sigma)}.`;
}

export const REQUIRED_REASON = 'The rules of the campaign ask for it.';

export const outrankedReason = (strategy: string) => `Came next by ${strategy}.`;
export const redundantReason = (before: number, after: number) =>
  `The batch and the lab already tell much of it: its standard deviation falls from ${resolved(before, before)} to ${resolved(after, before)}.`;

/** @param teaches share of the variance over the `sample` candidates. */
export const designReason = (teaches: number, sample: number): string =>
  `Tells most about the pool, given the picks before it: a measurement takes ${inPercent(teaches)} of what is not known of ${grouped(sample)} candidates drawn from it.`;
