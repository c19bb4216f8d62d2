import { frontOver, hypervolume, referenceOf, signOf, type Traded } from '../pareto';
import type { ReplayProtocol, ReplayTable } from './protocol';

/** How well the trade-offs of a table were found: by the volume that measured molecules cover, of what the pool's own front does. */
export class FoundFront {
  private readonly whole: number;
  private readonly reference: readonly number[];

  /** @param pool rows that are candidates */
  constructor(
    private readonly table: ReplayTable,
    private readonly protocol: Pick<ReplayProtocol, 'direction' | 'several'>,
    pool: readonly number[],
  ) {
    const traded = this.traded(pool);
    this.reference = referenceOf(traded) ?? traded.map(() => 0);
    this.whole = this.volume(traded);
  }

  /** @param rows measured ones */
  of(rows: readonly number[]): { hypervolume: number; frontSize: number } {
    const traded = this.traded(rows);
    const frontSize = frontOver(traded)?.moleculeIds.length ?? 0;
    return { hypervolume: this.whole > 0 ? this.volume(traded) / this.whole : 0, frontSize };
  }

  private volume(traded: readonly Traded[]): number {
    const front = frontOver(traded)?.moleculeIds ?? [];
    const signed = (value: number, i: number) => signOf(traded[i]!) * value;
    const points = front.map((id) => traded.map(({ values }, i) => signed(values.get(id)!, i)));
    return hypervolume(points, this.reference.map(signed));
  }

  private traded(rows: readonly number[]): Traded[] {
    const { table, protocol } = this;
    const { direction, several } = protocol;
    const columns = [
      { ...several, direction, values: table.values },
      ...several!.others.map((other, i) => ({ ...other, values: table.others![i]!.values })),
    ];
    return columns.map(({ direction: best, reference, values }) => ({
      direction: best,
      ...(reference !== undefined && { reference }),
      values: new Map(rows.flatMap((row) => (values[row] === null ? [] : [[String(row), values[row]!]]))),
    }));
  }
}
