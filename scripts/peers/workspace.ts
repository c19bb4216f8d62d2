/**
 * The folder of a bench: a folder a data set, with its table, its splits, and beside them what each method predicted. A later run
 * finds what an earlier one left, as long as the tables and the splits are the same.
 *
 *     esol/table.csv            smiles,target: row 0 is the first line after the heading
 *     esol/table.json           { title, task, rows, note, epochs }
 *     esol/split-0.json         { seed, train: [row, …], test: [row, …] }
 *     esol/split-0.forest.csv   row,prediction[,lower90,upper90]
 *     esol/split-0.forest.json  { cpuSeconds, … }
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { DATA_SETS, type DataSet, type Table, type TableOptions } from './data-sets';
import { splitOf, type Split } from './splits';

export interface PreparedDataSet {
  readonly dataSet: DataSet;
  readonly folder: string;
  readonly table: Table;
  readonly splits: readonly Split[];
}

/** What one method answered on one split, in the order of the split's test rows. */
export interface Answers {
  /** In the table's unit, or the probability (any rising score) of class 1. */
  readonly predictions: readonly number[];
  /** Bounds of the 90 % interval; absent where the method gives none. */
  readonly intervals?: readonly (readonly [number, number])[];
  readonly cpuSeconds: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * Writes tables and splits that are not there yet.
 * @throws Error if a folder holds another table or split of the same name: its predictions would answer another question.
 */
export function prepareWorkspace(
  root: string,
  names: readonly string[],
  splitCount: number,
  options: TableOptions,
): PreparedDataSet[] {
  return names.map((name) => {
    const dataSet = DATA_SETS.find((known) => known.name === name);
    if (!dataSet) {
      throw new Error(`no data set ${name}; there are ${DATA_SETS.map((known) => known.name).join(', ')}`);
    }
    const table = dataSet.read(options);
    const folder = path.join(root, name);
    mkdirSync(folder, { recursive: true });
    writeOnce(
      path.join(folder, 'table.csv'),
      toCsv(
        ['smiles', 'target'],
        [...table.smiles.entries()].map(([row, s]) => [s, table.targets[row]!]),
      ),
    );
    const { task, note } = table;
    const about = { title: dataSet.title, task, rows: table.smiles.length, note, epochs: dataSet.epochs };
    writeOnce(path.join(folder, 'table.json'), `${JSON.stringify(about, null, 2)}\n`);
    const splits = Array.from({ length: splitCount }, (_, index) =>
      splitOf(table, dataSet, index, options.seed),
    );
    for (const [index, split] of splits.entries()) {
      writeOnce(path.join(folder, `split-${index}.json`), `${JSON.stringify(split)}\n`);
    }
    return { dataSet, folder, table, splits };
  });
}

function writeOnce(file: string, content: string): void {
  if (!existsSync(file)) writeFileSync(file, content);
  else if (readFileSync(file, 'utf8') !== content) {
    throw new Error(`${file} is of other data or of another seed; name another --cache folder`);
  }
}

const quoted = (cell: string | number) =>
  typeof cell === 'string' && /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : String(cell);

export function toCsv(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [heading, ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('');
}

export const answersExist = ({ folder }: PreparedDataSet, split: number, method: string): boolean =>
  existsSync(path.join(folder, `split-${split}.${method}.json`));

/** The answers come before the file that says they are whole. */
export function writeAnswers(
  { folder, splits }: PreparedDataSet,
  split: number,
  method: string,
  answers: Answers,
): void {
  const base = path.join(folder, `split-${split}.${method}`);
  const { intervals } = answers;
  const heading = ['row', 'prediction', ...(intervals ? ['lower90', 'upper90'] : [])];
  const rows = splits[split]!.test.map((row, i) => [row, answers.predictions[i]!, ...(intervals?.[i] ?? [])]);
  writeFileSync(`${base}.csv`, toCsv(heading, rows));
  writeFileSync(
    `${base}.json`,
    `${JSON.stringify({ cpuSeconds: answers.cpuSeconds, ...answers.details }, null, 2)}\n`,
  );
}

/** @throws Error if the answers are not of the split's test rows, or hold something other than numbers. */
export function readAnswers({ folder, splits }: PreparedDataSet, split: number, method: string): Answers {
  const base = path.join(folder, `split-${split}.${method}`);
  const { cpuSeconds, ...details } = JSON.parse(readFileSync(`${base}.json`, 'utf8')) as {
    cpuSeconds: number;
  };
  const rows = parse(readFileSync(`${base}.csv`), { columns: true }) as Record<string, string>[];
  const byRow = new Map(rows.map((cells) => [Number(cells.row), cells]));
  const number = (row: number, column: string): number => {
    const text = byRow.get(row)?.[column];
    const value = text === undefined || text === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) throw new Error(`${base}.csv has no ${column} of row ${row}`);
    return value;
  };
  const { test } = splits[split]!;
  const hasIntervals = rows[0]?.lower90 !== undefined;
  return {
    predictions: test.map((row) => number(row, 'prediction')),
    ...(hasIntervals && {
      intervals: test.map((row) => [number(row, 'lower90'), number(row, 'upper90')] as const),
    }),
    cpuSeconds,
    details,
  };
}
