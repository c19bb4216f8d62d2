import type { DriftFinding } from '../../contracts';
import { ACT_FROM, MINIMUM } from '../budget';
import { notEnough, percent, short } from '../finding';
import type { DriftSample, ServedColumn } from '../sample';

/** Served numbers may have gone through float32 and text. */
const RELATIVE = 1e-4;
/** What a column of zeros is measured by. */
const LEAST_SCALE = 1e-6;
const SHOWN = 5;

interface Difference {
  readonly name: string;
  readonly rows: number;
  readonly different: number;
  readonly medianServed: number;
  readonly medianRecomputed: number;
  readonly examples: string[];
}

const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Whether what was served in a row, of those that have both numbers, is another number than what is computed now. */
export function isSkewed(
  { served, recomputed }: ServedColumn,
  both: readonly number[],
): (row: number) => boolean {
  // What a number is measured by: its own size, and that of the column, so that 0 and 1e-9 are equal where others are 100.
  const scale = Math.max(LEAST_SCALE, middle(both.map((row) => Math.abs(recomputed[row]!))));
  return (row) =>
    Math.abs(served[row]! - recomputed[row]!) > RELATIVE * Math.max(Math.abs(recomputed[row]!), scale);
}

/** Rows that have both numbers. */
export const comparableRows = ({ served, recomputed }: ServedColumn): number[] =>
  [...served.keys()].filter((row) => Number.isFinite(served[row]!) && Number.isFinite(recomputed[row]!));

function differenceOf(column: ServedColumn, smiles: DriftSample['smiles']): Difference {
  const { name, served, recomputed } = column;
  const both = comparableRows(column);
  const different = both.filter(isSkewed(column, both));
  return {
    ...{ name, rows: both.length, different: different.length },
    medianServed: middle(different.map((row) => served[row]!)),
    medianRecomputed: middle(different.map((row) => recomputed[row]!)),
    examples: different
      .flatMap((row) => smiles?.[row] ?? [])
      .sort()
      .slice(0, 3),
  };
}

/**
 * What was served against what is computed now, for the same molecules. Equal is equal, so no test is made: a column in which rows
 * differ is named. Where every column of a featurizer differs it is the featurizer.
 */
export function skew(window: DriftSample, windows: number): DriftFinding {
  const differences = window.served.map((column) => differenceOf(column, window.smiles));
  const compared = differences.filter(({ rows }) => rows > 0);
  const rows = Math.max(0, ...compared.map((each) => each.rows));
  if (rows < MINIMUM.skew)
    return notEnough(
      'skew',
      ...([rows, 0, ACT_FROM.skewedRows] as const),
      `Serving against training: ${rows} rows have served features or predictions beside their molecule; at least ${MINIMUM.skew} are needed.`,
    );
  const wrong = compared
    .filter(({ different }) => different > 0)
    .sort((a, b) => b.different / b.rows - a.different / a.rows || (a.name < b.name ? -1 : 1));
  const [most] = wrong;
  const share = most ? most.different / most.rows : 0;
  const listed = wrong.slice(0, SHOWN).map(({ name }) => name);
  const more = wrong.length > SHOWN ? ` and ${wrong.length - SHOWN} more` : '';
  return {
    name: 'skew',
    verdict: !most ? 'ok' : share >= ACT_FROM.skewedRows ? 'act' : 'watch',
    ...{ test: 'equality', statistic: most?.different ?? 0, p: null, threshold: null },
    effect: 'share of rows in which a served number is another one than that computed now',
    ...{ effectSize: share, effectThreshold: ACT_FROM.skewedRows },
    ...{ rows, referenceRows: 0, windows },
    evidence: wrong.slice(0, SHOWN).map((each) => ({
      what: each.name,
      reference: each.medianRecomputed,
      window: each.medianServed,
      effectSize: each.different / each.rows,
      rows: each.different,
      examples: each.examples,
    })),
    sentence: most
      ? `${wrong.length === 1 ? 'One served column is' : `${wrong.length} served columns are`} not what is computed for the same molecules: ${listed.join(', ')}${more}; ${percent(share)} of the rows differ, median ${short(most.medianServed)} served and ${short(most.medianRecomputed)} computed.`
      : `All ${compared.length} served columns are what is computed for the same molecules.`,
  };
}
