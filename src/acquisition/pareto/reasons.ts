/** Why a molecule was picked for the front of several properties: one plain sentence, spelt the same everywhere. */
import { joinedBy, percent, predicted, short } from '../reasons';
import type { Scaled } from './trade-off';

/** What the models say of a candidate, in the properties' units. */
export interface Said {
  readonly mean: readonly number[];
  readonly sigma: readonly number[];
}

const saying = (objectives: readonly Scaled[], { mean, sigma }: Said) =>
  objectives.map(({ property }, i) => `${property} ${predicted(mean[i]!, sigma[i]!)}`).join(', ');

/** Of two properties, three or four: a share from which on a part of the front counts as one property's end, times an equal share. */
const END = 1.4;

/** Which part of the front a pick would move. @param towards shares by property; all 0 where it moves nothing */
export function partOfFront(objectives: readonly Scaled[], towards: readonly number[]): string {
  const most = Math.max(...towards);
  if (most * objectives.length < END) return 'in its middle';
  return `where ${objectives[towards.indexOf(most)]!.property} is at its best`;
}

export interface HypervolumeNumbers {
  /** In the product of the units. */
  readonly gain: number;
  /** Of what is covered with what is held so far; null where nothing is. */
  readonly share: number | null;
  readonly towards: readonly number[];
  /** Probability. */
  readonly notDominated: number;
}

export function hypervolumeReason(
  objectives: readonly Scaled[],
  said: Said,
  { gain, share, towards, notDominated }: HypervolumeNumbers,
): string {
  const told = saying(objectives, said);
  const free = `not dominated with a probability of ${percent(notDominated)}`;
  if (!(gain > 0))
    return `Hardly adds to the front, but comes nearest to it of those left; ${free}: ${told}.`;
  const much = share === null ? `${short(gain)} of hypervolume` : `${percent(share)} to the hypervolume`;
  return `Expected to add ${much}, moving the front ${partOfFront(objectives, towards)}; ${free}: ${told}.`;
}

/** @param weights of the direction, by property; they sum to 1. @param draw 1-based */
export function scalarisedReason(
  objectives: readonly Scaled[],
  said: Said,
  weights: readonly number[],
  draw: number,
  draws: number,
): string {
  const mix = joinedBy(
    objectives.map(({ property }, i) => `${percent(weights[i]!)} ${property}`),
    'and',
  );
  return `Best of those left in draw ${draw} of ${draws} from the models' posteriors, looked at as ${mix}: ${saying(objectives, said)}.`;
}

export const coveredReason = (before: number, after: number): string =>
  `The batch covers ${percent(1 - after / before)} of what it would add by itself.`;
