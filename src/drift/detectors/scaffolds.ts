import type { DriftEvidence, DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { foremost, judge, notEnough, percent } from '../finding';
import { isCompared, type DriftReference } from '../reference';
import type { DriftSample } from '../sample';
import { largerSharePValue } from '../statistics/two-sample';
import type { WindowsAgainstReference } from './windows';

const SHOWN = 5;
/** Rows of one scaffold below which nobody speaks of a series. */
const LEAST_IN_A_SERIES = 5;

const NO_RINGS = 'no ring';
const label = (scaffold: string) => (scaffold === '' ? NO_RINGS : scaffold);

interface Scaffolds {
  /** Scaffolds of two thirds of the reference, and how many rows of the other third have another one. */
  readonly known: ReadonlySet<string>;
  readonly fresh: number;
  readonly compared: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly rows: number;
}

const kept = new WeakMap<DriftReference, Scaffolds>();

function countsOf({ scaffolds }: DriftSample): Map<string, number> {
  const counts = new Map<string, number>();
  for (const scaffold of scaffolds ?? [])
    if (scaffold !== null) counts.set(scaffold, (counts.get(scaffold) ?? 0) + 1);
  return counts;
}

const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, n) => sum + n, 0);

/** Scaffolds of a reference; null where it has none, or no molecules to part it by. */
export function knownScaffolds(reference: DriftReference): Scaffolds | null {
  const { scaffolds, smiles } = reference.sample;
  if (!scaffolds || !smiles) return null;
  const before = kept.get(reference);
  if (before) return before;
  const known = new Set<string>();
  const compared: string[] = [];
  scaffolds.forEach((scaffold, row) => {
    if (scaffold === null || smiles[row] == null) return;
    if (isCompared(smiles[row])) compared.push(scaffold);
    else known.add(scaffold);
  });
  const counts = countsOf(reference.sample);
  const fresh = compared.filter((scaffold) => !known.has(scaffold)).length;
  const found = { known, fresh, compared: compared.length, counts, rows: total(counts) };
  kept.set(reference, found);
  return found;
}

/** Scaffolds of the window, those that the test is of, the most frequent first, with molecules that have them. */
function examplesOf(
  window: DriftSample,
  counts: Map<string, number>,
  reference: Scaffolds,
  wanted: (scaffold: string) => boolean,
): DriftEvidence[] {
  const rows = total(counts);
  return [...counts]
    .filter(([scaffold]) => wanted(scaffold))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, SHOWN)
    .map(([scaffold, n]) => ({
      what: label(scaffold),
      reference: (reference.counts.get(scaffold) ?? 0) / reference.rows,
      window: n / rows,
      effectSize: n / rows - (reference.counts.get(scaffold) ?? 0) / reference.rows,
      rows: n,
      examples: window
        .scaffolds!.flatMap((each, row) =>
          each === scaffold && window.smiles?.[row] ? [window.smiles[row]] : [],
        )
        .sort()
        .slice(0, 3),
    }));
}

/**
 * New scaffolds, and series. The share of rows whose scaffold two thirds of the reference lack, against the same share in its other
 * third: given the two thirds, rows of both have the same chance, whatever the library looks like. And each scaffold's share by
 * itself, corrected for the number of scaffolds that are frequent enough.
 */
export function scaffolds({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const known = knownScaffolds(reference);
  const counts = countsOf(window);
  const rows = total(counts);
  if (!known || rows < MINIMUM.window || known.rows < MINIMUM.reference || known.compared < MINIMUM.window)
    return notEnough(
      'scaffolds',
      ...([rows, known?.rows ?? 0, ACT_FROM.newScaffolds] as const),
      `Scaffolds: ${rows} rows against ${known?.rows ?? 0} of the reference; at least ${MINIMUM.window} and ${MINIMUM.reference} with a scaffold are needed.`,
    );
  const common = {
    name: 'scaffolds' as const,
    alpha,
    windows,
    steady: 'Scaffolds are new as often as in the reference, and no series stands out',
  };
  let fresh = 0;
  for (const [scaffold, n] of counts) if (!known.known.has(scaffold)) fresh += n;
  const [share, usual] = [fresh / rows, known.fresh / known.compared];
  const newness = judge({
    ...common,
    test: "share of new scaffolds, Fisher's exact test",
    statistic: share,
    // Twice: the series have the other half of the budget. Fewer new scaffolds are no harm.
    p: Math.min(1, 2 * largerSharePValue(fresh, rows, known.fresh, known.compared)),
    effect: 'part of the molecules with a known scaffold that is missing',
    effectSize: usual < 1 ? (share - usual) / (1 - usual) : 0,
    effectThreshold: ACT_FROM.newScaffolds,
    rows,
    referenceRows: known.compared,
    evidence: examplesOf(window, counts, known, (scaffold) => !known.counts.has(scaffold)),
    change: `${percent(share)} of the molecules have a scaffold that is new, ${percent(usual)} would be usual`,
  });
  return foremost([newness, ...seriesOf(counts, rows, known, window, common)]);
}

function seriesOf(
  counts: Map<string, number>,
  rows: number,
  known: Scaffolds,
  window: DriftSample,
  common: { name: 'scaffolds'; alpha: number; windows: number; steady: string },
): DriftFinding[] {
  const together = new Map(known.counts);
  for (const [scaffold, n] of counts) together.set(scaffold, (together.get(scaffold) ?? 0) + n);
  const frequent = [...together].filter(([, n]) => n >= LEAST_IN_A_SERIES).map(([scaffold]) => scaffold);
  const rise = (scaffold: string) =>
    (counts.get(scaffold) ?? 0) / rows - (known.counts.get(scaffold) ?? 0) / known.rows;
  const [most] = frequent.sort((a, b) => rise(b) - rise(a) || (a < b ? -1 : 1));
  if (most === undefined || rise(most) <= 0) return [];
  const before = known.counts.get(most) ?? 0;
  const p = largerSharePValue(counts.get(most)!, rows, before, known.rows);
  return [
    judge({
      ...common,
      test: "share of one scaffold, Fisher's exact test",
      statistic: counts.get(most)! / rows,
      p: Math.min(1, 2 * frequent.length * p),
      effect: 'share of rows with one scaffold, more than in the reference',
      effectSize: rise(most),
      effectThreshold: ACT_FROM.oneScaffold,
      rows,
      referenceRows: known.rows,
      evidence: examplesOf(window, counts, known, (scaffold) => scaffold === most),
      change: `${percent(counts.get(most)! / rows)} of the molecules have the scaffold ${label(most)}, ${percent(before / known.rows)} in the reference`,
    }),
  ];
}
