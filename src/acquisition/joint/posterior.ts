/**
 * A joint normal posterior of candidates that is conditioned on one measurement after the other, without the value: the mean stays, as
 * if each measured just what the model expects (the kriging believer of Ginsbourger et al. 2010, on the model's own means), and the
 * covariance shrinks by rank one. The columns are those of an incremental Cholesky factor, so `k` measurements of `n` candidates cost
 * O(n k^2) and the n x n matrix is never changed.
 */
export class JointPosterior {
  /** Of each candidate, now. */
  readonly variance: Float64Array;
  private readonly columns: Float64Array[] = [];

  /**
   * @param covariance n x n, row-major, symmetric
   * @param noise variance of a measurement of each candidate, n
   */
  constructor(
    private readonly covariance: Float64Array,
    private readonly noise: Float64Array,
  ) {
    const n = noise.length;
    this.variance = Float64Array.from({ length: n }, (_, i) => Math.max(0, covariance[i * n + i]!));
  }

  get size(): number {
    return this.noise.length;
  }

  /** What a measurement of candidate k would leave less of: variance j falls by the square of entry j. */
  step(k: number): Float64Array {
    const n = this.size;
    const column = this.covariance.slice(k * n, (k + 1) * n);
    for (const known of this.columns) {
      const factor = known[k]!;
      if (factor === 0) continue;
      for (let j = 0; j < n; j++) column[j]! -= factor * known[j]!;
    }
    const total = this.variance[k]! + this.noise[k]!;
    const scale = total > 0 ? 1 / Math.sqrt(total) : 0;
    for (let j = 0; j < n; j++) column[j]! *= scale;
    return column;
  }

  /** Takes a measurement of candidate k as made. @returns its `step` */
  condition(k: number): Float64Array {
    const column = this.step(k);
    const { variance } = this;
    for (let j = 0; j < variance.length; j++) variance[j] = Math.max(0, variance[j]! - column[j]! ** 2);
    this.columns.push(column);
    return column;
  }

  /** The covariance as it is now, times a vector. */
  times(vector: Float64Array): Float64Array {
    const n = this.size;
    const { covariance } = this;
    const out = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let [a, b, c, d] = [0, 0, 0, 0];
      const at = i * n;
      let j = 0;
      for (; j + 3 < n; j += 4) {
        a += covariance[at + j]! * vector[j]!;
        b += covariance[at + j + 1]! * vector[j + 1]!;
        c += covariance[at + j + 2]! * vector[j + 2]!;
        d += covariance[at + j + 3]! * vector[j + 3]!;
      }
      for (; j < n; j++) a += covariance[at + j]! * vector[j]!;
      out[i] = a + b + (c + d);
    }
    for (const known of this.columns) {
      let share = 0;
      for (let j = 0; j < n; j++) share += known[j]! * vector[j]!;
      for (let j = 0; j < n; j++) out[j]! -= share * known[j]!;
    }
    return out;
  }
}
