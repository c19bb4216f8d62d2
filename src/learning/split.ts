import { TitrateError, type Split } from '../contracts';
import { foldsOf } from './cross-validate';
import { groupedFolds } from './folds';
import { measuredRows } from './labelled-set';
import type { TargetColumn } from './learning';

/** What rows are held out by, where that is not chance; row i belongs to label i, null where it is not known. */
export interface SplitKeys {
  readonly kind: Exclude<Split, 'random'>;
  /** Scaffolds as SMILES; or days and moments, ISO 8601. */
  readonly keys: readonly (string | null)[];
}

/** Fold of each row; -1: trained on and never held out. */
export interface FoldPlan {
  readonly assignment: Int32Array;
  /** A fold's model sees only the folds before it (and -1): later measurements never explain earlier ones. */
  readonly forward: boolean;
}

interface FoldRequest {
  readonly labelled: TargetColumn;
  /** Wanted number; fewer where the labels do not give as many. */
  readonly folds: number;
  readonly seed: number;
}

/**
 * Folds by scaffold or time; without `split` at random, stratified by target.
 * @throws labels-insufficient where all labels are of one scaffold or date, or there are too few
 */
export function splitFolds({
  split,
  ...request
}: FoldRequest & { readonly split: SplitKeys | null }): FoldPlan {
  if (!split) return { assignment: foldsOf(request), forward: false };
  if (split.kind === 'time') return { assignment: timeFolds(split.keys, request), forward: true };
  // Says first whether there are labels enough for any folds.
  foldsOf(request);
  return { assignment: groupedFolds(split.keys, request.folds, request.seed), forward: false };
}

/** The same; where the labels do not allow the split, at random, with the reason: a round goes on. */
export function foldsOrRandom(
  request: FoldRequest & { readonly split: SplitKeys | null },
): FoldPlan & { readonly kind: Split; readonly notes: readonly string[] } {
  try {
    return { ...splitFolds(request), kind: request.split?.kind ?? 'random', notes: undated(request) };
  } catch (error) {
    if (!request.split || !(error instanceof TitrateError) || error.code !== 'labels-insufficient')
      throw error;
    const notes = [`${request.split.kind} split: ${error.parts.what}; split at random instead`];
    return { ...splitFolds({ ...request, split: null }), kind: 'random', notes };
  }
}

function undated({ split }: { readonly split: SplitKeys | null }): string[] {
  if (split?.kind !== 'time') return [];
  const count = split.keys.filter((key) => key === null).length;
  return count ? [`${count} of ${split.keys.length} labels have no date: they count as the earliest`] : [];
}

/** Rows that were held out and measured: what a model is judged by. */
export const judgedRows = (
  labelled: Pick<TargetColumn, 'targets' | 'qualifiers'>,
  folds: Int32Array,
): number[] => measuredRows(labelled).filter((row) => folds[row]! >= 0);

/**
 * Forward chaining (Sheridan 2013, J. Chem. Inf. Model. 53, 783, made rolling): labels by date in runs of about equal length; the first
 * run is only trained on, each of the others is predicted from all before it. Labels of one moment stay together; those without a
 * date come first.
 */
function timeFolds(dates: readonly (string | null)[], { labelled, folds, seed }: FoldRequest): Int32Array {
  foldsOf({ labelled, folds, seed });
  const measured = new Set(measuredRows(labelled));
  const at = dates.map((date) => (date === null ? -Infinity : Date.parse(date)));
  const order = [...at.keys()].sort((a, b) => (at[a]! < at[b]! ? -1 : at[a]! > at[b]! ? 1 : a - b));
  // Two measured labels are the least that a run can say anything with.
  const runs = Math.min(folds + 1, Math.floor(measured.size / 2));
  const runOf = new Int32Array(dates.length);
  let before = 0;
  let runStart = 0;
  order.forEach((row, i) => {
    if (i === 0 || at[row] !== at[order[i - 1]!]) runStart = before;
    runOf[row] = Math.min(runs - 1, Math.floor((runStart * runs) / measured.size));
    if (measured.has(row)) before++;
  });
  const used = [...new Set([...measured].map((row) => runOf[row]!))].sort((a, b) => a - b);
  if (used.length < 2) {
    throw new TitrateError('labels-insufficient', {
      what: `${measured.size} measured labels do not fall into an earlier and a later part by their dates`,
      remedy: 'Split at random instead, or give the dates of measurement',
    });
  }
  // A run of bounds alone goes with the run before it: nothing in it can be judged.
  return runOf.map(
    (run) =>
      Math.max(
        0,
        used.findLastIndex((known) => known <= run),
      ) - 1,
  );
}

/** Of `rows` the keys, in their order. */
export const selectKeys = (split: SplitKeys | null, rows: readonly number[]): SplitKeys | null =>
  split && { kind: split.kind, keys: rows.map((row) => split.keys[row]!) };
