import { SimilarityIndex, type SparseRows } from './sparse-rows';

/**
 * How well a set of reference molecules is covered: the similarity of each to the nearest held one, summed. Adding the molecule that raises
 * it most, time after time, is the greedy k-medoids (facility location), within 1 - 1/e of the best (Nemhauser et al. 1978; as a core-set
 * for learning: Wei, Iyer and Bilmes 2015). Unlike the k-center of Sener and Savarese (2018) it does not chase outliers.
 */
export class Coverage {
  /** Similarity of each reference row to the nearest that is held. */
  private readonly covered: Float64Array;
  private readonly index: SimilarityIndex;
  private readonly row: Float64Array;

  constructor(readonly reference: SparseRows) {
    this.index = new SimilarityIndex(reference);
    this.covered = new Float64Array(reference.rows);
    this.row = new Float64Array(reference.rows);
  }

  /** How much a molecule would raise it. */
  gain(molecules: SparseRows, row: number): number {
    this.index.similarities(molecules, row, this.row);
    let sum = 0;
    for (let i = 0; i < this.row.length; i++) sum += Math.max(0, this.row[i]! - this.covered[i]!);
    return sum;
  }

  hold(molecules: SparseRows, row: number): void {
    this.index.similarities(molecules, row, this.row);
    for (let i = 0; i < this.row.length; i++) this.covered[i] = Math.max(this.covered[i]!, this.row[i]!);
  }
}

export interface MedoidRequest {
  readonly molecules: SparseRows;
  readonly coverage: Coverage;
  readonly candidates: readonly number[];
  readonly ties: (a: number, b: number) => number;
}

/**
 * The greedy order, lazily (Minoux 1978): gains only fall as more is held, so a candidate whose gain of before is below another's of now
 * need not be asked again.
 * @yields row and its gain; pass `false` to next() where the row was not taken
 */
export function* greedyMedoids({
  molecules,
  coverage,
  candidates,
  ties,
}: MedoidRequest): Generator<{ row: number; gain: number }, void, boolean> {
  const gains = new Map(candidates.map((row) => [row, { gain: Infinity, at: -1 }]));
  for (let held = 0; gains.size > 0;) {
    let best = -1;
    let most = { gain: -Infinity, at: -1 };
    for (const [row, state] of gains) {
      if (state.gain < most.gain || (state.gain === most.gain && ties(row, best) > 0)) continue;
      best = row;
      most = state;
    }
    if (most.at < held) {
      most.gain = coverage.gain(molecules, best);
      most.at = held;
      continue;
    }
    const taken = yield { row: best, gain: most.gain };
    gains.delete(best);
    if (taken) {
      coverage.hold(molecules, best);
      held++;
    }
  }
}
