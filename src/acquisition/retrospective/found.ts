/**
 * Counts how many of the best `top` values are among given ones. Ties are interchangeable: of the values that equal the last one of
 * the top, as many count as have room there.
 */
export class Found {
  private readonly threshold: number;
  private readonly room: number;
  private readonly sign: number;
  /** Values there are to be found: `top`, or all if there are fewer. */
  readonly top: number;

  /** @param values null where there is none */
  constructor(values: readonly (number | null)[], top: number, direction: 'maximize' | 'minimize') {
    this.sign = direction === 'maximize' ? 1 : -1;
    const best = values.flatMap((value) => (value === null ? [] : [this.sign * value])).sort((a, b) => b - a);
    this.top = Math.min(top, best.length);
    this.threshold = best[this.top - 1] ?? Infinity;
    this.room = this.top - best.filter((value) => value > this.threshold).length;
  }

  /** @param values of distinct candidates */
  count(values: readonly (number | null)[]): number {
    let [above, tied] = [0, 0];
    for (const value of values) {
      if (value === null) continue;
      if (this.sign * value > this.threshold) above++;
      else if (this.sign * value === this.threshold) tied++;
    }
    return above + Math.min(tied, this.room);
  }
}
