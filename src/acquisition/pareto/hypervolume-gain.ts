import { directionsOf, SPHERE_SHARE } from './directions';
import type { Draws } from './draws';
import type { Point } from './front';

/** Directions that each draw is looked at from. */
export const DIRECTIONS_A_DRAW = 16;

/**
 * What each row is expected to add to the hypervolume, given what is held: over pairs of a joint draw and a direction, the mean of how far the
 * row reaches, to the power of the number of properties, beyond the farthest of what is held (directions.ts). Each pair keeps that farthest reach, so a batch
 * that is filled pick by pick is a joint one; what a row adds never rises as more is held.
 */
export class HypervolumeGain {
  private readonly m: number;
  private readonly directions: Float64Array;
  private readonly reciprocal: Float64Array;
  /** By pair, to the power of m. */
  private readonly farthest: Float64Array;
  private readonly held: number[] = [];

  constructor(
    private readonly draws: Pick<Draws, 'count' | 'values'>,
    private readonly front: readonly Point[],
    private readonly perDraw = DIRECTIONS_A_DRAW,
  ) {
    this.m = draws.values.length;
    const pairs = draws.count * perDraw;
    this.directions = directionsOf(this.m, pairs);
    this.reciprocal = this.directions.map((d) => 1 / d);
    this.farthest = new Float64Array(pairs);
    for (let draw = 0; draw < draws.count; draw++)
      for (const point of front) this.hold(draw, Float64Array.from(point));
  }

  /** Takes a row as held, in every draw at what it is there. */
  holdRow(row: number): void {
    const point = new Float64Array(this.m);
    for (let draw = 0; draw < this.draws.count; draw++) this.hold(draw, this.at(row, draw, point));
    this.held.push(row);
  }

  /** Hypervolume that a row is expected to add, scaled. */
  of(row: number): number {
    let sum = 0;
    this.gains(row, (gain) => (sum += gain));
    return this.scale * sum;
  }

  /** Of what a row is expected to add, the share that lies towards each property's best; they sum to 1, or are all 0. */
  towards(row: number): number[] {
    const shares = new Array<number>(this.m).fill(0);
    let sum = 0;
    this.gains(row, (gain, pair) => {
      sum += gain;
      for (let i = 0; i < this.m; i++) shares[i]! += gain * this.directions[pair * this.m + i]! ** 2;
    });
    return sum > 0 ? shares.map((share) => share / sum) : shares;
  }

  /** Hypervolume of what is held, expected, scaled. */
  get whole(): number {
    return this.scale * this.farthest.reduce((sum, reach) => sum + reach, 0);
  }

  /** Share of the draws in which nothing held dominates a row. */
  notDominated(row: number): number {
    const { count } = this.draws;
    const [own, other] = [new Float64Array(this.m), new Float64Array(this.m)];
    let free = 0;
    for (let draw = 0; draw < count; draw++) {
      this.at(row, draw, own);
      const beaten =
        this.front.some((point) => notWorse(point, own)) ||
        this.held.some((held) => held !== row && notWorse(this.at(held, draw, other), own));
      if (!beaten) free++;
    }
    return free / count;
  }

  private get scale(): number {
    return SPHERE_SHARE[this.m]! / this.farthest.length;
  }

  private at(row: number, draw: number, into: Float64Array): Float64Array {
    const { values, count } = this.draws;
    for (let i = 0; i < this.m; i++) into[i] = values[i]![row * count + draw]!;
    return into;
  }

  private hold(draw: number, point: Float64Array): void {
    this.reaches(draw, point, (reach, pair) => {
      if (reach > this.farthest[pair]!) this.farthest[pair] = reach;
    });
  }

  private gains(row: number, tell: (gain: number, pair: number) => void): void {
    const { farthest } = this;
    const point = new Float64Array(this.m);
    for (let draw = 0; draw < this.draws.count; draw++)
      this.reaches(draw, this.at(row, draw, point), (reach, pair) => {
        if (reach > farthest[pair]!) tell(reach - farthest[pair]!, pair);
      });
  }

  /** How far a point reaches in each direction of a draw, to the power of m; not told of one that is not beyond the reference point. */
  private reaches(draw: number, point: Float64Array, tell: (reach: number, pair: number) => void): void {
    const { m, reciprocal, perDraw } = this;
    for (let i = 0; i < m; i++) if (!(point[i]! > 0)) return;
    for (let pair = draw * perDraw, end = pair + perDraw; pair < end; pair++) {
      let least = Infinity;
      for (let i = 0; i < m; i++) least = Math.min(least, point[i]! * reciprocal[pair * m + i]!);
      let reach = least;
      for (let i = 1; i < m; i++) reach *= least;
      tell(reach, pair);
    }
  }
}

function notWorse(a: Point, b: Point): boolean {
  for (let i = 0; i < b.length; i++) if (a[i]! < b[i]!) return false;
  return true;
}
