import { normalCdf, normalLogCdf, normalPdf } from '../../foundation';
import { expectedImprovement, logExpectedImprovement } from '../improvement';
import { boundReason, greedyReason, improvementReason, probabilityReason } from '../reasons';
import type { Utility, UtilityRequest } from './utility';

/** What improvement is measured from: the threshold of actives, else the best measured value, else the best prediction. */
function levelOf({ goal, incumbent, reference }: UtilityRequest) {
  if (goal.kind === 'actives') return { level: goal.threshold, is: 'threshold' } as const;
  if (incumbent !== null) return { level: incumbent, is: 'measured' } as const;
  return { level: reference!, is: 'predicted' } as const;
}

const signOf = ({ direction }: UtilityRequest) => (direction === 'maximize' ? 1 : -1);

/** The best mean. */
export function greedy(request: UtilityRequest): Utility {
  const sign = signOf(request);
  return {
    monotone: true,
    score: (mean) => sign * mean,
    value: ({ mean }) => mean,
    terms: ({ mean }) => ({ exploit: mean, explore: 0 }),
    reason: ({ mean, sigma }) => greedyReason(mean, sigma, request.direction, request.incumbent),
  };
}

/** Mean + kappa sigma when maximising, mean - kappa sigma when minimising (Srinivas et al. 2010). */
export function upperBound(request: UtilityRequest): Utility {
  const sign = signOf(request);
  const { kappa, direction, incumbent } = request;
  return {
    monotone: true,
    score: (mean, sigma) => sign * mean + kappa * sigma,
    value: ({ mean, sigma }) => mean + sign * kappa * sigma,
    terms: ({ mean, sigma }) => ({ exploit: mean, explore: sign * kappa * sigma }),
    reason: ({ mean, sigma }, value) => boundReason(mean, sigma, value, kappa, direction, incumbent),
  };
}

/**
 * Expected improvement (Jones et al. 1998), ranked by its logarithm, so that candidates far from the incumbent stay in order
 * (Ament et al. 2023). `log`: the sheet states the logarithm. With 0/1 labels the mean is a probability, and ranks.
 */
export function improvement(request: UtilityRequest, log: boolean): Utility {
  const sign = signOf(request);
  const { level, is } = levelOf(request);
  const gain = (mean: number, sigma: number) => expectedImprovement(sign * mean, sigma, sign * level);
  const logGain = (mean: number, sigma: number) => logExpectedImprovement(sign * mean, sigma, sign * level);
  return {
    monotone: true,
    score: logGain,
    // -Infinity cannot be written: the least logarithm of a positive double stands for it.
    value: ({ mean, sigma }) => (log ? Math.max(logGain(mean, sigma), LEAST_LOG) : gain(mean, sigma)),
    terms: ({ mean, sigma }) => {
      const whole = gain(mean, sigma);
      if (sigma === 0) return { exploit: whole, explore: 0 };
      const z = (sign * (mean - level)) / sigma;
      return { exploit: sigma * z * normalCdf(z), explore: sigma * normalPdf(z) };
    },
    reason: ({ mean, sigma }) => improvementReason(mean, sigma, gain(mean, sigma), level, is),
  };
}
const LEAST_LOG = -1e300;

/** Probability of being beyond the level (Kushner 1964), ranked by its logarithm. */
export function probability(request: UtilityRequest): Utility {
  const sign = signOf(request);
  const { level, is } = levelOf(request);
  const z = (mean: number, sigma: number) => {
    const gain = sign * (mean - level);
    return sigma > 0 ? gain / sigma : gain > 0 ? Infinity : gain < 0 ? -Infinity : 0;
  };
  return {
    monotone: true,
    score: (mean, sigma) => logCdf(z(mean, sigma)),
    value: ({ mean, sigma }) => Math.exp(logCdf(z(mean, sigma))),
    reason: ({ mean, sigma }, value) => probabilityReason(mean, sigma, value, level, is),
  };
}

const logCdf = (z: number) => (z === Infinity ? 0 : z === -Infinity ? -Infinity : normalLogCdf(z));
