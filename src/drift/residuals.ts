import type { DriftSample } from './sample';
import { median, sortedFinite } from './statistics/summaries';

/**
 * How far each measured value lies from what was predicted: in the model's own standard deviations where it states them, else in the
 * property's unit; without predictions the values themselves, which say less: they move with the molecules too.
 */
export type ResidualBasis = 'standardised residuals' | 'residuals' | 'values';

export interface Residuals {
  readonly basis: ResidualBasis;
  /** NaN for a row without. */
  readonly all: Float64Array;
  readonly n: number;
}

const count = (values: Float64Array) => values.reduce((n, value) => n + (Number.isFinite(value) ? 1 : 0), 0);

function on(basis: ResidualBasis, sample: DriftSample): Residuals | null {
  const { observed, predicted, deviation } = sample;
  if (!observed || (basis !== 'values' && !predicted) || (basis === 'standardised residuals' && !deviation))
    return null;
  const all = observed.map((value, row) => {
    if (basis === 'values') return value;
    const error = value - predicted![row]!;
    return basis === 'residuals' ? error : deviation![row]! > 0 ? error / deviation![row]! : NaN;
  });
  const n = count(all);
  return n > 0 ? { basis, all, n } : null;
}

/** The sharpest residuals that a sample has; null without a measured value. */
export function residualsOf(sample: DriftSample): Residuals | null {
  return on('standardised residuals', sample) ?? on('residuals', sample) ?? on('values', sample);
}

/** Residuals of two samples on the sharpest basis that both have. */
export function residualsOfBoth(
  reference: {
    readonly sample: DriftSample;
    readonly residuals: Residuals | null;
    readonly assumed: boolean;
  },
  window: DriftSample,
): { reference: Residuals; window: Residuals } | null {
  if (!reference.residuals) return null;
  if (reference.assumed) {
    const theirs = on(reference.residuals.basis, window);
    return theirs && { reference: reference.residuals, window: theirs };
  }
  for (const basis of ['standardised residuals', 'residuals', 'values'] as const) {
    const ours = basis === reference.residuals.basis ? reference.residuals : on(basis, reference.sample);
    const theirs = on(basis, window);
    if (ours && theirs) return { reference: ours, window: theirs };
  }
  return null;
}

/** Rows of each plate or laboratory, in the order of their names; rows without one are in none. */
export function groupsOf(names: readonly (string | null)[] | null): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  names?.forEach((name, row) => {
    if (name === null) return;
    const rows = groups.get(name);
    if (rows) rows.push(row);
    else groups.set(name, [row]);
  });
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Values less the middle of their own group, where that has enough of them, else less the middle of all: an offset is no noise. */
export function centred(values: Float64Array, groups: Map<string, number[]>, least: number): Float64Array {
  const middle = (rows: readonly number[]) => {
    const known = sortedFinite(rows.map((row) => values[row]!));
    return known.length >= least ? median(known) : null;
  };
  const overall = middle([...values.keys()]) ?? 0;
  const out = values.map((value) => value - overall);
  for (const rows of groups.values()) {
    const own = middle(rows);
    if (own !== null) for (const row of rows) out[row] = values[row]! - own;
  }
  return out;
}
