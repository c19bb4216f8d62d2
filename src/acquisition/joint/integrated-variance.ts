import type { JointPosterior } from './posterior';

/**
 * How much of the variance over all candidates a measurement of each would take away: sum_i C_ij^2 / (C_jj + noise_j), the negative
 * integrated posterior variance of Cohn (1996) and Seo et al. (2000), kept up to date as measurements are taken as made. One product of
 * the covariance and a vector a pick; nothing is factorised again.
 */
export class IntegratedVariance {
  /** sum_i C_ij^2 of each candidate j. */
  private readonly squares: Float64Array;

  constructor(
    private readonly posterior: JointPosterior,
    covariance: Float64Array,
    private readonly noise: Float64Array,
  ) {
    const n = noise.length;
    this.squares = new Float64Array(n);
    for (let i = 0; i < n; i++)
      for (let j = 0, at = i * n; j < n; j++, at++) this.squares[j]! += covariance[at]! ** 2;
  }

  gain(j: number): number {
    const total = this.posterior.variance[j]! + this.noise[j]!;
    return total > 0 ? Math.max(0, this.squares[j]!) / total : 0;
  }

  /** Takes a measurement of candidate k as made. @returns the variance it took away, summed over the candidates */
  condition(k: number): number {
    const before = this.posterior;
    const step = before.step(k);
    const product = before.times(step);
    const length = step.reduce((sum, value) => sum + value * value, 0);
    before.condition(k);
    const { squares } = this;
    for (let j = 0; j < squares.length; j++) {
      const s = step[j]!;
      squares[j]! += s * (s * length - 2 * product[j]!);
    }
    return length;
  }
}
