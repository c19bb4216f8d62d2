/**
 * The data sets of `npm run bench:models`, read from a folder of the user's: nothing of them is kept in the project. A table is what
 * every method sees: one row a SMILES text as it stands in the file, so that a standardiser is part of what is compared.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { createRandom, deriveSeed } from '../../src/foundation';

export type Task = 'regression' | 'classification';

export interface Table {
  readonly task: Task;
  readonly smiles: readonly string[];
  /** In the file's unit; 0 or 1 for classification. */
  readonly targets: readonly number[];
  /** What was done to the file's rows, for the report. */
  readonly note: string;
}

export interface SplitSizes {
  /** Rows to train on and to test on; by default 80 % and the rest. */
  readonly train?: number;
  readonly test?: number;
}

export interface TableOptions {
  readonly folder: string;
  readonly seed: number;
  /** Inactive molecules kept at most, by data set; Infinity keeps all. */
  readonly inactives: Readonly<Record<'mapk1' | 'muv', number>>;
}

export interface DataSet {
  readonly name: string;
  readonly title: string;
  readonly sizes: SplitSizes;
  /** Epochs of the message-passing peer: 50 up to about 1,000 training rows, else 30. */
  readonly epochs: number;
  readonly read: (options: TableOptions) => Table;
}

type Row = Readonly<Record<string, string>>;

/** Assays with 30 and 29 actives, about MUV's most, in which an active's neighbours tell something; our families were chosen on others. */
const MUV_ASSAYS = ['MUV-846', 'MUV-852'] as const;
/** MolPAL's docking set is learnt from a small and a larger random draw; both are judged on as many other molecules. */
const ENAMINE_TEST_ROWS = 2000;

function readRows({ folder }: TableOptions, file: string): Row[] {
  const bytes = readFileSync(path.join(folder, file));
  return parse(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, { columns: true, trim: true }) as Row[];
}

/** One row a SMILES text; values of the same text are averaged (regression), or active if one is (classification). */
function tableOf(task: Task, rows: readonly (readonly [string, number])[]): Table {
  const values = new Map<string, number[]>();
  for (const [smiles, value] of rows) {
    if (!Number.isFinite(value)) throw new Error(`${smiles}: a value that is no number`);
    values.set(smiles, [...(values.get(smiles) ?? []), value]);
  }
  const merge = (all: readonly number[]) =>
    task === 'regression' ? all.reduce((sum, value) => sum + value, 0) / all.length : Math.max(...all);
  const merged = rows.length - values.size;
  return {
    task,
    smiles: [...values.keys()],
    targets: [...values.values()].map(merge),
    note: merged === 0 ? 'all rows' : `all rows, ${merged} repeated SMILES merged`,
  };
}

/** All actives and a seeded draw of the inactives. */
function withFewerInactives(table: Table, most: number, seed: number): Table {
  const inactive = [...table.targets.keys()].filter((row) => table.targets[row] === 0);
  if (inactive.length <= most) return table;
  const kept = new Set(createRandom(seed).shuffle(inactive).slice(0, most));
  const rows = [...table.targets.keys()].filter((row) => table.targets[row] === 1 || kept.has(row));
  return {
    task: table.task,
    smiles: rows.map((row) => table.smiles[row]!),
    targets: rows.map((row) => table.targets[row]!),
    note: `all ${rows.length - most} actives and ${most} of ${inactive.length} inactives (a seeded draw)`,
  };
}

function enamine(options: TableOptions): Table {
  const library = new Set(readRows(options, 'enamine10k_library.csv.gz').map((row) => row.smiles!));
  const scored = readRows(options, 'enamine10k_docking.csv.gz').filter((row) => library.has(row.smiles!));
  return tableOf(
    'regression',
    scored.map((row) => [row.smiles!, Number(row.score)]),
  );
}

function muv(assay: string): DataSet {
  return {
    name: assay.toLowerCase(),
    title: `MUV, ${assay}`,
    sizes: {},
    epochs: 30,
    read: (options) => {
      const rows = readRows(options, 'muv_93k.csv.gz').filter((row) => row[assay] !== '');
      const table = tableOf(
        'classification',
        rows.map((row) => [row.smiles!, Number(row[assay])]),
      );
      return withFewerInactives(table, options.inactives.muv, deriveSeed(options.seed, assay, 'inactives'));
    },
  };
}

export const DATA_SETS: readonly DataSet[] = [
  {
    name: 'esol',
    title: 'ESOL, log solubility',
    sizes: {},
    epochs: 50,
    read: (options) =>
      tableOf(
        'regression',
        readRows(options, 'esol_1128.csv').map((row) => [
          row.smiles!,
          Number(row['measured log solubility in mols per litre']),
        ]),
      ),
  },
  {
    name: 'lipophilicity',
    title: 'Lipophilicity, log D',
    sizes: {},
    epochs: 30,
    read: (options) =>
      tableOf(
        'regression',
        readRows(options, 'lipophilicity_4200.csv').map((row) => [row.smiles!, Number(row.exp)]),
      ),
  },
  {
    name: 'enamine-1000',
    title: 'Enamine 10k docking, 1,000 labels',
    sizes: { train: 1000, test: ENAMINE_TEST_ROWS },
    epochs: 50,
    read: enamine,
  },
  {
    name: 'enamine-5000',
    title: 'Enamine 10k docking, 5,000 labels',
    sizes: { train: 5000, test: ENAMINE_TEST_ROWS },
    epochs: 30,
    read: enamine,
  },
  ...MUV_ASSAYS.map(muv),
  {
    name: 'mapk1',
    title: 'MAPK1',
    sizes: {},
    epochs: 30,
    read: (options) => {
      const rows = readRows(options, 'mapk1_63k.csv.gz');
      const table = tableOf(
        'classification',
        rows.map((row) => [row.SMILES!, Number(row.active)]),
      );
      return withFewerInactives(
        table,
        options.inactives.mapk1,
        deriveSeed(options.seed, 'mapk1', 'inactives'),
      );
    },
  },
];
