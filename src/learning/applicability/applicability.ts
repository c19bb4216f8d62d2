import { TitrateError, type Applicability, type FeatureMatrix } from '../../contracts';
import { selectFeatureRows } from '../../foundation';
import { NeighbourIndex } from './neighbours';

/** Share of the held-out molecules that lie below the threshold. */
const OUTSIDE_SHARE = 0.05;
/** Runs of held-out molecules by similarity; with few molecules fewer, so that each holds at least this many. */
const MAX_BINS = 5;
const MIN_IN_BIN = 20;
/** Held-out molecules whose neighbours are looked for, at most: the quantile is then known to half a percent. */
const MAX_QUERIES = 2000;

/**
 * Where a model's evidence ends, by the similarity of each held-out molecule to the nearest one its model was trained on (Sheridan
 * et al. 2004, J. Chem. Inf. Comput. Sci. 44, 1912). The threshold leaves 5 % of them below: of molecules still further away the
 * model has next to no held-out evidence, whatever deviation it states. It says nothing of targets or endpoints.
 * @param fingerprints ECFP4 of all rows, as SIMILARITY_FEATURIZER. @param folds fold of each row.
 * @param rows the rows that were judged, and `errors` their held-out errors (observed - predicted), in that order.
 * @throws labels-insufficient without a judged row or with a single fold
 */
export function applicabilityOf({
  fingerprints,
  folds,
  forward = false,
  rows,
  errors,
}: {
  fingerprints: FeatureMatrix;
  folds: Int32Array;
  /** Whether a fold's model saw the folds before it alone. */
  forward?: boolean;
  rows: readonly number[];
  errors: Float64Array;
}): Applicability {
  const distinct = [...new Set(folds)];
  if (rows.length === 0 || distinct.length < 2) {
    throw new TitrateError('labels-insufficient', {
      what: `${rows.length} held-out molecules in ${distinct.length} folds do not tell where a model applies`,
    });
  }
  const every = Math.max(1, Math.ceil(rows.length / MAX_QUERIES));
  const judged = rows.flatMap((row, i) => (i % every === 0 ? [{ row, error: errors[i]! }] : []));
  const found = distinct.flatMap((fold) => {
    // Rows of fold -1 were held out by nobody.
    if (fold < 0) return [];
    const others = [...folds.keys()].filter((row) => (forward ? folds[row]! < fold : folds[row] !== fold));
    const index = new NeighbourIndex(selectFeatureRows(fingerprints, others));
    return judged
      .filter(({ row }) => folds[row] === fold)
      .map(({ row, error }) => ({ similarity: index.nearest(fingerprints, row)!.similarity, error }));
  });
  found.sort((a, b) => a.similarity - b.similarity);
  const n = found.length;
  const count = Math.max(1, Math.min(MAX_BINS, Math.floor(n / MIN_IN_BIN)));
  const bins = Array.from({ length: count }, (_, bin) => {
    const part = found.slice(Math.floor((bin * n) / count), Math.floor(((bin + 1) * n) / count));
    const square = part.reduce((sum, { error }) => sum + error ** 2 / part.length, 0);
    return {
      similarity: [part[0]!.similarity, part.at(-1)!.similarity] as const,
      n: part.length,
      error: Math.sqrt(square),
    };
  });
  return { threshold: found[Math.floor(OUTSIDE_SHARE * n)]!.similarity, bins };
}

/** Whether a molecule lies where the model was judged. @param similarity to the nearest training molecule, 0..1. */
export const isInside = ({ threshold }: Pick<Applicability, 'threshold'>, similarity: number): boolean =>
  similarity >= threshold;
