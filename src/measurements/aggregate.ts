import type { Qualifier, TrainingRow } from '../contracts';

/** One value of one molecule, in the unit all of them are kept in. */
export interface MeasuredValue {
  readonly moleculeId: string;
  readonly smiles: string;
  readonly value: number;
  readonly qualifier: Qualifier;
  /** Day or moment, ISO 8601. */
  readonly measuredAt?: string;
}

const ascending = (a: number, b: number) => a - b;
const byId = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Mean and sample standard deviation (n - 1). Values are added in ascending order: a sum of doubles depends on its order.
 * @param values at least one, finite
 * @returns both finite; the mean lies between the extremes, the spread of one value is 0
 */
export function meanAndSpread(values: readonly number[]): { mean: number; spread: number } {
  const sorted = [...values].sort(ascending);
  const n = sorted.length;
  const low = sorted[0]!;
  const high = sorted[n - 1]!;
  // Divided first, so that a sum of huge values does not overflow; held between the extremes against rounding.
  const sum = sorted.reduce((total, value) => total + value, 0);
  const raw = Number.isFinite(sum) ? sum / n : sorted.reduce((total, value) => total + value / n, 0);
  const mean = Math.min(high, Math.max(low, raw));
  if (n === 1 || low === high) return { mean, spread: 0 };
  const scale = Math.max(Math.abs(low - mean), Math.abs(high - mean));
  if (!Number.isFinite(scale)) return { mean, spread: Number.MAX_VALUE };
  const squares = sorted.reduce((total, value) => total + ((value - mean) / scale) ** 2, 0);
  return { mean, spread: Math.min(Number.MAX_VALUE, scale * Math.sqrt(squares / (n - 1))) };
}

/**
 * One molecule's values as one training row. Uncensored values are averaged and bounds beside them are left out. Of bounds alone
 * the tightest counts: of '>' the largest, of '<' the smallest; a molecule bounded on both sides is taken at the midpoint,
 * qualifier '=', also where noise has made the bounds cross.
 * @param values at least one, all of one molecule
 */
export function aggregateValues(
  values: readonly MeasuredValue[],
): TrainingRow & { readonly boundsOnly: boolean } {
  const { moleculeId } = values[0]!;
  const smiles = values.map((value) => value.smiles).sort(byId)[0]!;
  const of = (qualifier: Qualifier) =>
    values.flatMap((value) => (value.qualifier === qualifier ? [value.value] : []));
  const row = (
    value: number,
    qualifier: Qualifier,
    replicates: number,
    spread: number,
    boundsOnly: boolean,
  ) => ({
    moleculeId,
    smiles,
    value: value === 0 ? 0 : value,
    qualifier,
    replicates,
    spread,
    boundsOnly,
  });
  const exact = of('=');
  if (exact.length) {
    const { mean, spread } = meanAndSpread(exact);
    return row(mean, '=', exact.length, spread, false);
  }
  const lower = of('>').sort(ascending).at(-1);
  const upper = of('<').sort(ascending)[0];
  if (lower !== undefined && upper !== undefined) return row(lower / 2 + upper / 2, '=', 1, 0, true);
  return lower !== undefined ? row(lower, '>', 1, 0, true) : row(upper!, '<', 1, 0, true);
}

/**
 * When what `aggregateValues` makes of these values was known: the latest date of the values that count; null where none has a date.
 * @param values at least one, all of one molecule
 */
export function dateOfAggregate(values: readonly MeasuredValue[]): string | null {
  const exact = values.filter(({ qualifier }) => qualifier === '=');
  const dates = (exact.length ? exact : values).flatMap(({ measuredAt }) => measuredAt ?? []);
  // Of two spellings of one moment the smaller, so that the order of the values does not matter.
  const later = (a: string, b: string) => Date.parse(a) - Date.parse(b) || (a < b ? 1 : -1);
  return dates.reduce<string | null>(
    (last, date) => (last === null || later(date, last) > 0 ? date : last),
    null,
  );
}
