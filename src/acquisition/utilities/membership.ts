import { normalCdf, normalLogCdf } from '../../foundation';
import { expectedImprovement } from '../improvement';
import { rangeReason } from '../reasons';
import type { Utility, UtilityRequest } from './utility';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** How far a value lies outside the range; 0 in it. */
export const distanceTo = ({ from, to }: Range, value: number): number =>
  Math.max(0, from - value, value - to);

/** log P(from <= Y <= to) of a normal Y, accurate in the tails; -Infinity where a certain value lies outside. */
export function logMass({ from, to }: Range, mean: number, sigma: number): number {
  if (sigma === 0) return mean >= from && mean <= to ? 0 : -Infinity;
  const [low, high] = [(from - mean) / sigma, (to - mean) / sigma];
  if (low <= 0 && high >= 0) return Math.log(normalCdf(high) - normalCdf(low));
  // Mirrored into the lower tail, where the logarithm of the distribution is exact.
  const [near, far] = low > 0 ? [-low, -high] : [high, low];
  const outer = normalLogCdf(near);
  return outer + Math.log1p(-Math.exp(normalLogCdf(far) - outer));
}

/**
 * E[max(0, D - d(Y))] of a normal Y, with d the distance to the range and D that of the nearest measured value: expected improvement
 * towards the range. The gain is a trapezium in Y, hence four hinge functions.
 */
export function improvementTowards(
  { from, to }: Range,
  mean: number,
  sigma: number,
  nearest: number,
): number {
  const hinge = (at: number) => expectedImprovement(mean, sigma, at);
  return Math.max(0, hinge(from - nearest) - hinge(from) - hinge(to) + hinge(to + nearest));
}

/** Ranks by the distance of the mean to the range. */
export function nearRange(range: Range, kappa: number): Utility {
  return {
    monotone: false,
    score: (mean, sigma) => kappa * sigma - distanceTo(range, mean),
    value: ({ mean }) => distanceTo(range, mean),
    reason: ({ mean, sigma }) => rangeReason(mean, sigma, range, Math.exp(logMass(range, mean, sigma))),
  };
}

/** The probability mass in the range, by its logarithm: it orders candidates however far away they are. */
export function inRange(range: Range): Utility {
  return {
    monotone: false,
    score: (mean, sigma) => logMass(range, mean, sigma),
    value: ({ mean, sigma }) => Math.exp(logMass(range, mean, sigma)),
    reason: ({ mean, sigma }, value) => rangeReason(mean, sigma, range, value),
  };
}

/** Expected improvement towards the range while no measured value lies in it; then the mass in it. */
export function towardsRange(range: Range, { incumbent }: UtilityRequest): Utility {
  const nearest = incumbent === null ? 0 : distanceTo(range, incumbent);
  const mass = inRange(range);
  if (nearest === 0) return mass;
  const gain = (mean: number, sigma: number) => improvementTowards(range, mean, sigma, nearest);
  return {
    // Where the gain underflows, or cancels, the mass still orders.
    monotone: false,
    score: (mean, sigma) => {
      const value = gain(mean, sigma);
      return value > NEGLIGIBLE * nearest ? value : (mass.score(mean, sigma, 0) || -1) * nearest;
    },
    value: ({ mean, sigma }) => gain(mean, sigma),
    reason: ({ mean, sigma }) =>
      rangeReason(mean, sigma, range, Math.exp(logMass(range, mean, sigma)), nearest),
  };
}
const NEGLIGIBLE = 1e-12;
