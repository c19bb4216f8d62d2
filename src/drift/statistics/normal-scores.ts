import { normalQuantile } from '../../foundation';

const tables = new Map<number, Float64Array>();
/** Samples come in few sizes. */
const MOST_TABLES = 64;

/** Van der Waerden's scores of ranks 1..n: normalQuantile(rank / (n + 1)). */
export function normalScores(n: number): Float64Array {
  const known = tables.get(n);
  if (known) return known;
  const scores = Float64Array.from({ length: n }, (_, i) => normalQuantile((i + 1) / (n + 1)));
  if (tables.size >= MOST_TABLES) tables.clear();
  tables.set(n, scores);
  return scores;
}
