import { similarity, type SparseRows } from './sparse-rows';

export interface FarthestRequest {
  readonly molecules: SparseRows;
  /** Rows to keep away from. */
  readonly held: readonly number[];
  readonly candidates: readonly number[];
  /** Negative where the first goes before the second, both rows equally far away. */
  readonly ties: (a: number, b: number) => number;
}

/**
 * Farthest first (MaxMin; Ashton et al. 2002): each pick is the candidate whose nearest held or picked molecule is the farthest. Lazy, as
 * RDKit's picker: a candidate is compared with the picks it has not seen only while its distance so far could still win, so most are
 * never compared with most; the picks are those of the full comparison.
 * @yields row and similarity to the nearest (null while there is none); pass `false` to next() where the row was not taken
 */
export function* farthestFirst({
  molecules,
  held,
  candidates,
  ties,
}: FarthestRequest): Generator<{ row: number; nearest: number | null }, void, boolean> {
  const centres = [...held];
  const nearest = new Map(candidates.map((row) => [row, { similarity: -1, seen: 0 }]));
  while (nearest.size > 0) {
    let best = -1;
    let least = Infinity;
    for (const [row, state] of nearest) {
      while (state.seen < centres.length && state.similarity <= least) {
        const value = similarity(molecules, row, molecules, centres[state.seen]!);
        if (value > state.similarity) state.similarity = value;
        state.seen++;
      }
      if (state.similarity > least || (state.similarity === least && best >= 0 && ties(row, best) > 0))
        continue;
      best = row;
      least = state.similarity;
    }
    const taken = yield { row: best, nearest: centres.length > 0 ? least : null };
    nearest.delete(best);
    if (taken) centres.push(best);
  }
}
