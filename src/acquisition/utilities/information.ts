import { informationReason, uncertaintyReason } from '../reasons';
import type { Utility } from './utility';

/** The largest epistemic deviation. */
export function uncertainty(): Utility {
  return {
    monotone: true,
    score: (_mean, sigma) => sigma,
    value: ({ sigma }) => sigma,
    terms: ({ sigma }) => ({ exploit: 0, explore: sigma }),
    reason: ({ mean, sigma }) => uncertaintyReason(mean, sigma),
  };
}

/**
 * Mutual information, in nats, of the next measurement and the function (BALD; Houlsby et al. 2011).
 * Regression: 1/2 log(1 + epistemic^2 / aleatoric^2). Classification: H(E p) - E H(p) of a Beta distribution with the mean and the
 * standard deviation of the probability.
 */
export function information(task: 'regression' | 'classification'): Utility {
  const score =
    task === 'regression'
      ? (_mean: number, sigma: number, noise: number) => Math.log1p((sigma / noise) ** 2) / 2
      : (mean: number, sigma: number) => labelInformation(mean, sigma);
  return {
    monotone: task === 'regression',
    score: (mean, sigma, noise) => (sigma === 0 ? 0 : score(mean, sigma, noise)),
    value: ({ mean, sigma, noise }) => (sigma === 0 ? 0 : Math.min(score(mean, sigma, noise), 1e300)),
    reason: ({ mean, sigma }, value) => informationReason(mean, sigma, value),
  };
}

/** @param mean of the probability, 0..1. @param sigma its standard deviation, at most sqrt(mean (1 - mean)) */
export function labelInformation(mean: number, sigma: number): number {
  const most = mean * (1 - mean);
  if (!(most > 0) || sigma === 0) return 0;
  const entropy = -mean * Math.log(mean) - (1 - mean) * Math.log(1 - mean);
  const count = most / sigma ** 2 - 1;
  if (count <= 0) return entropy;
  const [a, b] = [mean * count, (1 - mean) * count];
  const within = digamma(count + 1) - mean * digamma(a + 1) - (1 - mean) * digamma(b + 1);
  return Math.max(0, entropy - within);
}

/** The logarithmic derivative of the gamma function, x > 0 (Abramowitz and Stegun 6.3.5, 6.3.18); relative error about 1e-13. */
export function digamma(x: number): number {
  let shift = 0;
  while (x < 10) shift -= 1 / x++;
  const i = 1 / (x * x);
  const series =
    i * (1 / 12 - i * (1 / 120 - i * (1 / 252 - i * (1 / 240 - i * (1 / 132 - (i * 691) / 32760)))));
  return shift + Math.log(x) - 1 / (2 * x) - series;
}
