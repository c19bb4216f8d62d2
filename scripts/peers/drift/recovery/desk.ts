/** The laboratories of a replayed campaign: values with noise, off or not, which molecule was measured where, and what is learnt from. */
import { createRandom, deriveSeed, standardDeviation } from '../../../../src/foundation';
import type { Library } from './library';
import { ASSAY_NOISE, LABORATORIES, type RecoveryScenario } from './scenarios';

export interface Measured {
  readonly row: number;
  readonly round: number;
  readonly lab: string;
  /** As it came back. */
  readonly raw: number;
  /** As it is learnt from; NaN where it is left out. */
  readonly value: number;
}

export class Desk {
  private readonly spread: number;

  constructor(
    private readonly library: Library,
    private readonly scenario: RecoveryScenario,
    private readonly seed: number,
  ) {
    this.spread = standardDeviation(library.values);
  }

  /** The first molecules come from laboratory A alone; of a batch every second one goes to B. */
  labOf(place: number, round: number): string {
    return round === 0 || !this.scenario.offset ? LABORATORIES[0] : LABORATORIES[place % 2]!;
  }

  /** Standard deviation of the difference of two good measurements. */
  get noise(): number {
    return Math.SQRT2 * ASSAY_NOISE * this.spread;
  }

  measure(row: number, round: number, lab: string, occasion: string): number {
    const { offset } = this.scenario;
    const isOff = offset && lab === LABORATORIES[1] && round >= offset.from;
    const noise = createRandom(deriveSeed(this.seed, 'assay', occasion, row)).normal();
    return this.library.values[row]! + this.spread * (ASSAY_NOISE * noise + (isOff ? offset.by : 0));
  }

  batch(rows: readonly number[], round: number): Measured[] {
    return rows.map((row, i) => {
      const lab = this.labOf(i, round);
      const raw = this.measure(row, round, lab, 'batch');
      return { row, round, lab, raw, value: raw };
    });
  }

  /** Measured again by the laboratory that is in no doubt. */
  control(row: number, round: number): number {
    return this.measure(row, round, LABORATORIES[0], `control ${round}`);
  }
}
