import type { NodeRows } from './split';
import type { TrainingColumns } from './training-columns';

/** Lists the counted columns that have more than one value in a node, from what its rows hold. */
export class VaryingColumns {
  /** What `find` found, at the front. */
  readonly columns: Int32Array;
  /** Of each column: the search that last met it, how often, the first bin, and whether another was met. */
  private readonly search: Int32Array;
  private readonly met: Int32Array;
  private readonly bin: Uint8Array;
  private readonly differs: Uint8Array;
  private searches = 0;

  constructor(private readonly training: TrainingColumns) {
    const { counted } = training;
    this.columns = new Int32Array(counted);
    this.search = new Int32Array(counted);
    this.met = new Int32Array(counted);
    this.bin = new Uint8Array(counted);
    this.differs = new Uint8Array(counted);
  }

  /** @returns how many there are */
  find({ rows, count }: NodeRows): number {
    const { columns, search, met, bin, differs } = this;
    const { starts, places, bins } = this.training.byRow;
    const current = ++this.searches;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      for (let at = starts[row]!; at < starts[row + 1]!; at++) {
        const column = places[at]!;
        if (search[column] !== current) {
          search[column] = current;
          met[column] = 1;
          bin[column] = bins[at]!;
          differs[column] = 0;
          columns[touched++] = column;
        } else {
          met[column]!++;
          if (bin[column] !== bins[at]) differs[column] = 1;
        }
      }
    }
    let found = 0;
    for (let i = 0; i < touched; i++) {
      const column = columns[i]!;
      if (met[column]! < count || differs[column]) columns[found++] = column;
    }
    return found;
  }
}
