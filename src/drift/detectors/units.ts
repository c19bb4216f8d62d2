import type { DriftEvidence, DriftFinding } from '../../contracts';
import { MINIMUM } from '../budget';
import { judge, notEnough, short } from '../finding';
import { groupsOf, residualsOf, residualsOfBoth, type ResidualBasis } from '../residuals';
import type { DriftSample } from '../sample';
import { compare, distancePValue, spreadPValue, type Comparison } from '../statistics/two-sample';
import { distancesFrom, median, sortedFinite } from '../statistics/summaries';
import { UNIT_ERRORS, type UnitError } from './unit-errors';
import type { WindowsAgainstReference } from './windows';

/**
 * Values are in a wrong unit when they lie this many times as far off as they used to, and undoing the error brings them back to
 * at most so many times. A wrong assay is not brought back by a power of ten.
 */
const OFF = 3;
const BACK = 1.5;
/** And their distribution must be that of the reference: the distance that one comparison in a hundred exceeds by chance. */
const LEVEL_1_PERCENT = 1.628;
/**
 * An offset is no wrong unit. Where a constant was added, that constant must do nearly as well as the best one would; anything else
 * must do better than any constant.
 */
const AS_THE_BEST_CONSTANT = 1.2;
const BETTER_THAN_A_CONSTANT = 0.9;
/** Without predictions: distances of the distribution functions. */
const OFF_DISTANCE = 0.5;
const BACK_DISTANCE = 0.2;

interface Group {
  /** null: the whole window. */
  readonly name: string | null;
  readonly rows: readonly number[];
}

interface Suspicion {
  readonly group: Group;
  readonly n: number;
  readonly error: UnitError;
  /** Times as far off as usual before and after the error is undone; distances without predictions. */
  readonly off: number;
  readonly back: number;
  readonly p: number;
  readonly found: Comparison;
}

/** Rows of a sample by themselves, their values as they come out of `undo`. */
function rowsOf(sample: DriftSample, rows: readonly number[], undo: (value: number) => number): DriftSample {
  const of = (values: Float64Array | null) => values && Float64Array.from(rows, (row) => values[row]!);
  const { observed, predicted, deviation } = sample;
  const values = of(observed)?.map(undo) ?? null;
  return {
    ...sample,
    rows: rows.length,
    observed: values,
    predicted: of(predicted),
    deviation: of(deviation),
  };
}

const asIs = (value: number) => value;

/** Residuals of rows on a given basis, ascending. */
function residuals(window: DriftSample, { rows }: Group, undo: UnitError['undo'], basis: ResidualBasis) {
  const sample = rowsOf(window, rows, undo);
  const cut =
    basis === 'values'
      ? { ...sample, predicted: null }
      : basis === 'residuals'
        ? { ...sample, deviation: null }
        : sample;
  const found = residualsOf(cut);
  return found?.basis === basis ? sortedFinite(found.all) : new Float64Array(0);
}

function suspicionOf(
  group: Group,
  window: DriftSample,
  reference: Float64Array,
  basis: ResidualBasis,
): Suspicion | null {
  const own = residuals(window, group, asIs, basis);
  if (own.length < MINIMUM.plate) return null;
  const values = basis === 'values';
  const centre = values ? 0 : median(reference);
  const usual = median(distancesFrom(reference, centre));
  const distance = (candidate: Float64Array) =>
    values
      ? compare(candidate, reference).distance
      : usual > 0
        ? median(distancesFrom(candidate, centre)) / usual
        : 0;
  const off = distance(own);
  if (off < (values ? OFF_DISTANCE : OFF)) return null;
  const constant = values ? Infinity : median(distancesFrom(own, median(own))) / usual;
  const furthest = LEVEL_1_PERCENT * Math.sqrt(1 / own.length + 1 / reference.length);
  const [best] = UNIT_ERRORS.flatMap((error) => {
    const candidate = residuals(window, group, error.undo, basis);
    if (candidate.length !== own.length) return [];
    const back = distance(candidate);
    const most = constant * (error.shift === undefined ? BETTER_THAN_A_CONSTANT : AS_THE_BEST_CONSTANT);
    if (back > Math.min(most, values ? BACK_DISTANCE : BACK)) return [];
    return values || compare(candidate, reference).distance <= furthest ? [{ error, back }] : [];
  }).sort((a, b) => a.back - b.back);
  if (!best) return null;
  const found = compare(own, reference);
  const p = values
    ? distancePValue(found)
    : spreadPValue(distancesFrom(own, centre), distancesFrom(reference, centre));
  return { ...{ group, n: own.length, off, p, found }, ...best };
}

/**
 * A known unit error: of the whole window, of a plate or of a laboratory. Both are needed: values that lie far off, for which
 * there is a test, and an error that, undone, brings them back to where the reference's lie.
 */
export function units({ reference, window, windows, alpha }: WindowsAgainstReference): DriftFinding {
  const both = residualsOfBoth(reference, window);
  const [n, m] = [both?.window.n ?? 0, both?.reference.n ?? 0];
  const values = both?.window.basis === 'values';
  const threshold = values ? OFF_DISTANCE : OFF;
  if (!both || n < MINIMUM.plate || m < MINIMUM.referenceTruth)
    return notEnough(
      'units',
      ...([n, m, threshold] as const),
      `Units: ${n} measured values against ${m} of the reference; at least ${MINIMUM.plate} and ${MINIMUM.referenceTruth} are needed.`,
    );
  const other = sortedFinite(both.reference.all);
  const groups: Group[] = [
    { name: null, rows: [...both.window.all.keys()] },
    ...(['labs', 'plates'] as const).flatMap((key) => {
      const named = [...groupsOf(window[key])];
      return named.length > 1 ? named.map(([name, rows]) => ({ name, rows })) : [];
    }),
  ];
  const [worst] = groups
    .flatMap((group) => suspicionOf(group, window, other, both.window.basis) ?? [])
    .sort((a, b) => b.n - a.n);
  const common = {
    name: 'units' as const,
    alpha,
    effect: values
      ? 'largest distance of the distribution functions of the values'
      : 'how many times as far from the predictions as in the reference',
    ...{ effectThreshold: threshold, referenceRows: m, windows },
    steady: 'Values are in the unit of the reference',
  };
  if (!worst)
    return judge({
      ...{
        ...common,
        test: 'known unit errors',
        statistic: 0,
        p: 1,
        effectSize: 0,
        rows: n,
        evidence: [],
        change: '',
      },
    });
  const { group, error, off, back } = worst;
  const evidence: DriftEvidence = {
    ...{ what: group.name === null ? error.name : `${error.name}, ${group.name}`, reference: 1 },
    ...{ window: off, effectSize: off, rows: worst.n, examples: [] },
  };
  return judge({
    ...common,
    ...{ test: values ? 'Kolmogorov-Smirnov' : 'chi-squared scores, permuted', statistic: worst.found.z },
    p: Math.min(1, groups.length * worst.p),
    ...{ effectSize: off, rows: worst.n, evidence: [evidence] },
    change: `${group.name === null ? 'The values' : `The values of ${group.name}`} look as if ${error.name}: undone, they lie where those of the reference do (${short(back)} in place of ${short(off)})`,
  });
}
