/**
 * What `npm run bench:discovery` replays. A scenario is a data set with a protocol; the files are the user's, in one folder, and
 * nothing of them is kept in the project.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import type { Mishaps } from '../../../src/acquisition';
import type { Strategy } from '../../../src/contracts';

export type Figure = 'recall' | 'hits' | 'rmse' | 'hypervolume';

/** A further property: a descriptor of the molecule, by RDKit's name. */
export interface Further {
  readonly property: string;
  readonly direction: 'maximize' | 'minimize';
  readonly descriptor: string;
  /** Share of the molecules, drawn at random once, whose value is taken for missing. */
  readonly missing?: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly dataSet: string;
  /** What methods are compared by. */
  readonly figure: Figure;
  readonly direction: 'maximize' | 'minimize';
  readonly goal: 'best' | 'actives' | 'learn' | 'pareto';
  /** Of goal `pareto`: the name of the first property, and the others. */
  readonly several?: { readonly property: string; readonly others: readonly Further[] };
  /** Of goal `pareto`: strategies that go by the first property alone. */
  readonly alone?: readonly Strategy[];
  /** Shares of the pool below 1, or numbers of molecules. */
  readonly initial: number;
  readonly batch: number;
  readonly rounds: number;
  readonly top: number;
  /** Held out, a share of all molecules. */
  readonly test?: number;
  readonly unlabelledCostsBudget: boolean;
  readonly strategies: readonly Strategy[];
  /** Methods of acquisition/run.py. */
  readonly peers: readonly string[];
  readonly mishaps?: Mishaps;
}

const BEST: readonly Strategy[] = ['auto', 'random', 'greedy', 'ucb', 'ei', 'log-ei', 'pi', 'thompson'];
const ACTIVES: readonly Strategy[] = ['auto', 'random', 'greedy', 'ucb', 'maxmin'];
const LEARN: readonly Strategy[] = [
  'auto',
  'random',
  'uncertainty',
  'nipv',
  'max-determinant',
  'core-set',
  'maxmin',
];

const best = (
  name: string,
  title: string,
  dataSet: string,
  direction: Scenario['direction'],
  share: number,
  top: number,
): Scenario => ({
  ...{ name, title, dataSet, direction, top, figure: 'recall', goal: 'best' },
  ...{ initial: share, batch: share, rounds: 5, unlabelledCostsBudget: dataSet === 'enamine' },
  strategies: BEST,
  peers: ['random', 'forest', 'gp-greedy', 'gp-ei'],
});

const learn = (name: string, title: string, dataSet: string, size: number, rounds: number): Scenario => ({
  ...{ name, title, dataSet, direction: 'maximize', top: 100, figure: 'rmse', goal: 'learn' },
  ...{ initial: size, batch: size, rounds, test: 0.2, unlabelledCostsBudget: false },
  strategies: LEARN,
  peers: ['random', 'nipv', 'k-center', 'forest-log-det'],
});

const screen = (name: string, title: string, dataSet: string): Scenario => ({
  ...{ name, title, dataSet, direction: 'maximize', top: 100, figure: 'hits', goal: 'actives' },
  ...{ initial: 100, batch: 100, rounds: 9, unlabelledCostsBudget: false },
  strategies: ACTIVES,
  peers: ['random', 'forest', 'gp-greedy'],
});

const trade = (
  name: string,
  title: string,
  dataSet: string,
  share: number,
  direction: Scenario['direction'],
  several: NonNullable<Scenario['several']>,
): Scenario => ({
  ...{ name, title, dataSet, direction, several, top: 100, figure: 'hypervolume', goal: 'pareto' },
  ...{ initial: share, batch: share, rounds: 5, unlabelledCostsBudget: dataSet === 'enamine' },
  strategies: ['auto', 'random', 'thompson'],
  alone: ['greedy', 'log-ei'],
  // BoTorch's similarities are a table of all molecules by all: too large beyond some thousands.
  peers: dataSet === 'enamine' ? ['random'] : ['random', 'botorch-nehvi'],
});
const logP = (direction: Further['direction'], more: Partial<Further> = {}): Further => ({
  ...{ property: 'logP', direction, descriptor: 'CrippenClogP' },
  ...more,
});
const LESS_POLAR: Further = { property: 'TPSA', direction: 'minimize', descriptor: 'tpsa' };

const ENAMINE = best('enamine', 'Enamine 10k docking', 'enamine', 'minimize', 0.01, 100);
const QUARTER = 0.25;
/** The batch of the scenarios in which one batch alone suffers: the models after it have the most left to find. */
const ONE_BATCH = 2;

/** A quarter of one batch or of every batch; all that is compared is `auto` with and without. */
const mishaps = (kind: 'failed' | 'abandoned' | 'late' | 'corrected', every: boolean): Scenario => ({
  ...ENAMINE,
  name: `enamine-${kind}-${every ? 'every' : 'one'}`,
  title: `${ENAMINE.title}, a quarter of ${every ? 'every batch' : `batch ${ONE_BATCH}`} ${kind}`,
  strategies: ['auto'],
  peers: [],
  mishaps: {
    ...{ failed: 0, abandoned: 0, late: 0, corrected: 0, retryFailed: true },
    [kind]: QUARTER,
    ...(!every && { batches: [ONE_BATCH] }),
  },
});
const KINDS = ['failed', 'abandoned', 'late', 'corrected'] as const;

export const SCENARIOS: readonly Scenario[] = [
  ENAMINE,
  best('lipophilicity-high', 'Lipophilicity, the highest', 'lipophilicity', 'maximize', 0.02, 100),
  best('lipophilicity-low', 'Lipophilicity, the lowest', 'lipophilicity', 'minimize', 0.02, 100),
  best('esol-high', 'ESOL, the most soluble', 'esol', 'maximize', 0.03, 50),
  learn('lipophilicity-learn', 'Lipophilicity, learnt', 'lipophilicity', 64, 15),
  learn('esol-learn', 'ESOL, learnt', 'esol', 0.05, 7),
  screen('mapk1', 'MAPK1', 'mapk1'),
  ...['MUV-548', 'MUV-846', 'MUV-852'].map((assay) => screen(assay.toLowerCase(), assay, assay)),
  trade('esol-two', 'ESOL, soluble and lipophilic', 'esol', 0.03, 'maximize', {
    property: 'logS',
    others: [logP('maximize')],
  }),
  trade('esol-two-missing', 'ESOL, soluble and lipophilic, 30 % of logP missing', 'esol', 0.03, 'maximize', {
    property: 'logS',
    others: [logP('maximize', { missing: 0.3 })],
  }),
  trade('enamine-two', 'Enamine, docking score and logP', 'enamine', 0.003, 'minimize', {
    property: 'docking score',
    others: [logP('minimize')],
  }),
  trade('enamine-three', 'Enamine, docking score, logP and TPSA', 'enamine', 0.003, 'minimize', {
    property: 'docking score',
    others: [logP('minimize'), LESS_POLAR],
  }),
  ...KINDS.flatMap((kind) => [mishaps(kind, false), mishaps(kind, true)]),
];

/** The scenario without mishaps that one with mishaps is compared with; undefined for others. */
export const undisturbed = (scenario: Scenario): Scenario | undefined =>
  scenario.mishaps &&
  SCENARIOS.find(
    ({ dataSet, goal, mishaps: own }) => !own && dataSet === scenario.dataSet && goal === scenario.goal,
  );

export interface DataRow {
  readonly smiles: string;
  readonly value: number | null;
}

type Row = Readonly<Record<string, string>>;

/** @throws Error for a file that is not there, or a data set that is none of the bench's */
export function readDataSet(folder: string, name: string): DataRow[] {
  const read = (file: string): Row[] => {
    const bytes = readFileSync(path.join(folder, file));
    return parse(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, { columns: true, trim: true }) as Row[];
  };
  const column = (rows: readonly Row[], smiles: string, target: string): DataRow[] =>
    rows.map((row) => ({ smiles: row[smiles]!, value: valueOf(row[target]) }));
  if (name.startsWith('MUV-')) return column(read('muv_93k.csv.gz'), 'smiles', name);
  switch (name) {
    case 'enamine': {
      const scores = new Map(read('enamine10k_docking.csv.gz').map((row) => [row.smiles!, row.score]));
      return read('enamine10k_library.csv.gz').map(({ smiles }) => ({
        smiles: smiles!,
        value: valueOf(scores.get(smiles!)),
      }));
    }
    case 'esol':
      return column(read('esol_1128.csv'), 'smiles', 'measured log solubility in mols per litre');
    case 'lipophilicity':
      return column(read('lipophilicity_4200.csv'), 'smiles', 'exp');
    case 'mapk1':
      return column(read('mapk1_63k.csv.gz'), 'SMILES', 'active');
    default:
      throw new Error(`no data set ${name}`);
  }
}

function valueOf(text: string | undefined): number | null {
  const value = text === undefined || text === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
