/** Why a molecule was picked: one plain sentence with the numbers that decided it. Part of the sealed sheet, so spelt the same everywhere. */

/** The number with as many decimals as `resolution` (a standard deviation) deserves: two of its significant digits. */
function resolved(x: number, resolution: number): string {
  if (!(resolution > 0)) return short(x);
  const decimals = 1 - Math.floor(Math.log10(resolution));
  if (decimals > 6 || Math.abs(x) >= 1e15) return short(x);
  return plus(x.toFixed(Math.max(0, decimals)));
}

/** Three significant digits. */
function short(x: number): string {
  return plus(String(Number(x.toPrecision(3))));
}

/** '-0.00' is 0.00. */
const plus = (text: string) => (/^-0(\.0*)?$/.test(text) ? text.slice(1) : text);

const grouped = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

const predicted = (mean: number, sigma: number) =>
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

export function ucbReason(
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

/** @param reference the best measured value, or the best prediction where nothing uncensored has been measured. */
export function eiReason(
  mean: number,
  sigma: number,
  improvement: number,
  reference: number,
  referenceIs: 'measured' | 'predicted',
): string {
  const gain =
    improvement === 0 && sigma > 0 ? 'less than 1e-300' : String(Number(improvement.toPrecision(2)));
  const best = referenceIs === 'measured' ? 'the best' : 'the best prediction';
  return `Expected to improve on ${best} (${resolved(reference, sigma)}) by ${gain}: ${predicted(mean, sigma)}.`;
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
