import { normalScore } from './normal-score';

/** Where a value stands among those of training: its quantile, or the normal score of it. */
interface Knots {
  readonly layout: Layout;
  readonly knotStarts: Int32Array;
  readonly knotValues: Float64Array;
  readonly knotLevels: Float64Array;
}
type Layout = 'bits' | 'dense' | 'counts';

/** Buckets of each column, which narrow the search for a value's knots. */
const BUCKETS = 256;

export const levelOf = (layout: Layout, quantile: number) =>
  layout === 'counts' ? normalScore(quantile) : quantile;

/**
 * Levels of the ranked columns: linear between knots, those of the first and last knot at them, and the ends of the scale (0 and 1, or
 * their scores) beyond.
 */
export class Levels {
  private readonly below: number;
  private readonly above: number;
  /** Buckets a unit of each column. */
  private readonly rates: Float64Array;
  /** ends[c (BUCKETS + 1) + b]: knots of column c before bucket b, from the first of all columns. */
  private readonly ends: Int32Array;

  constructor(private readonly knots: Knots) {
    const { layout, knotStarts, knotValues } = knots;
    this.below = levelOf(layout, 0);
    this.above = levelOf(layout, 1);
    const columns = knotStarts.length - 1;
    this.rates = new Float64Array(columns);
    this.ends = new Int32Array(columns * (BUCKETS + 1));
    for (let c = 0; c < columns; c++) {
      const [first, last] = [knotStarts[c]!, knotStarts[c + 1]! - 1];
      const rate = BUCKETS / (knotValues[last]! - knotValues[first]!);
      // A range too wide or too narrow for its quotient is searched whole.
      this.rates[c] = Number.isFinite(rate) ? rate : 0;
      let knot = first;
      for (let b = 0; b <= BUCKETS; b++) {
        while (knot <= last && this.bucketOf(c, knotValues[knot]!) < b) knot++;
        this.ends[c * (BUCKETS + 1) + b] = b === BUCKETS ? last + 1 : knot;
      }
    }
  }

  /** Level of `value` in ranked column c. */
  of(c: number, value: number): number {
    const { knotStarts, knotValues, knotLevels } = this.knots;
    const first = knotStarts[c]!;
    const last = knotStarts[c + 1]! - 1;
    if (value <= knotValues[first]!) return value < knotValues[first]! ? this.below : knotLevels[first]!;
    if (value >= knotValues[last]!) return value > knotValues[last]! ? this.above : knotLevels[last]!;
    // The last knot at or below the value lies between the last of the buckets before its own and the last of its own.
    const at = c * (BUCKETS + 1) + this.bucketOf(c, value);
    let low = Math.max(first, this.ends[at]! - 1);
    let high = this.ends[at + 1]!;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (knotValues[middle]! <= value) low = middle;
      else high = middle;
    }
    const next = low + 1;
    const share = (value - knotValues[low]!) / (knotValues[next]! - knotValues[low]!);
    return knotLevels[low]! + share * (knotLevels[next]! - knotLevels[low]!);
  }

  /** Grows with the value: what it puts in order it leaves in order. */
  private bucketOf(c: number, value: number): number {
    const bucket = Math.floor((value - this.knots.knotValues[this.knots.knotStarts[c]!]!) * this.rates[c]!);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
  }
}

const known = new WeakMap<Float64Array, Levels>();

/** The levels of a space, made once for each. */
export function levelsOf(space: Knots): Levels {
  let levels = known.get(space.knotValues);
  if (!levels) known.set(space.knotValues, (levels = new Levels(space)));
  return levels;
}
