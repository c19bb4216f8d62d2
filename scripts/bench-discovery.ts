/**
 * `npm run bench:discovery -- --data FOLDER --cache FOLDER`: campaigns replayed on labelled sets, `auto` beside every fixed strategy and
 * beside peers in Python from the same first molecules: discovery, learning curves, screens, mishaps of the laboratory. What is in the
 * cache is not run again. Markdown to standard output, `--output` takes the runs as JSON. `npm run bench:models -- --prepare` makes
 * the peers' Python environment. See docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { surrogateOf } from '../src/cli/models/replay-surrogate';
import { strategySchema, type Strategy } from '../src/contracts';
import { packageRoot } from '../src/foundation';
import { createLearning } from '../src/learning';
import { recordBenchmark, type BenchFigureInput } from '../src/platform/bench';
import { load, ourName, runOurs, withFurther, type LoadedDataSet } from './peers/acquisition/ours';
import { mean } from './peers/acquisition/figures';
import { renderScenario, type Compared } from './peers/acquisition/report';
import { readDataSet, SCENARIOS, undisturbed, type Scenario } from './peers/acquisition/scenarios';
import { prepare, readRuns, type MethodRun, type Prepared } from './peers/acquisition/workspace';
import { peerPython } from './peers/methods';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    cache: { type: 'string' },
    scenarios: { type: 'string', default: SCENARIOS.map(({ name }) => name).join(',') },
    seeds: { type: 'string', default: '0,1,2,3,4,5,6,7,8,9' },
    /** Two seeds. */
    quick: { type: 'boolean', default: false },
    /** Instead of those of the scenario. */
    strategies: { type: 'string' },
    /** `none` runs none. */
    peers: { type: 'string' },
    python: { type: 'string' },
    /** First molecules of the docking set, { seed: [rows of the library] }, of another program. */
    initial: { type: 'string' },
    threads: { type: 'string', default: '2' },
    'report-only': { type: 'boolean', default: false },
    output: { type: 'string' },
  },
});

const listOf = (text: string) => text.split(',').filter(Boolean);
const seeds = options.quick ? [0, 1] : listOf(options.seeds).map(Number);
const strategiesOf = (scenario: Scenario): readonly Strategy[] =>
  options.strategies
    ? listOf(options.strategies).map((name) => strategySchema.parse(name))
    : scenario.strategies;
const peersOf = (scenario: Scenario): readonly string[] => {
  if (options.peers === 'none') return [];
  return options.peers
    ? scenario.peers.filter((peer) => listOf(options.peers!).includes(peer))
    : scenario.peers;
};

const aloneOf = ({ alone = [] }: Scenario): readonly Strategy[] => (options.strategies ? [] : alone);

function scenarioOf(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found) return found;
  throw new Error(`no scenario ${name}; there are ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`);
}

function firstOf(scenario: Scenario, { file }: LoadedDataSet): Map<number, number[]> | undefined {
  if (!options.initial || scenario.dataSet !== 'enamine') return undefined;
  const given = JSON.parse(readFileSync(options.initial, 'utf8')) as Record<string, number[]>;
  const candidate = new Map(file.rowNumbers.map((row, at) => [row, at]));
  return new Map(
    seeds.map((seed) => {
      const rows = given[seed]?.map((row) => candidate.get(row));
      if (rows?.every((row) => row !== undefined)) return [seed, rows as number[]];
      throw new Error(`${options.initial}: no first molecules of seed ${seed}, or one that cannot be read`);
    }),
  );
}

function runPeers({ folder, scenario }: Prepared): void {
  const peers = peersOf(scenario);
  if (peers.length === 0) return;
  const script = path.join(packageRoot, 'scripts', 'peers', 'acquisition', 'run.py');
  const command = ['-B', script, folder, seeds.join(','), peers.join(',')];
  const { status, error } = spawnSync(peerPython(options.python), command, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`the peers of ${scenario.name} failed with exit status ${status}`);
}

function runsOf(prepared: Prepared): Map<string, MethodRun[]> {
  const { scenario } = prepared;
  return new Map([
    ...strategiesOf(scenario).map((name) => [name, readRuns(prepared, ourName(name), true)] as const),
    ...aloneOf(scenario).map(
      (name) => [`first-${name}`, readRuns(prepared, ourName(name, 'alone'), true)] as const,
    ),
    ...peersOf(scenario).map((name) => [`peer: ${name}`, readRuns(prepared, name, false)] as const),
  ]);
}

/** What `auto` had reached at the end, by what chance had with the same number of molecules. */
function figureOf({ scenario: { title, figure }, runs }: Compared): BenchFigureInput[] {
  const reached = (name: string) => {
    const last = (runs.get(name) ?? []).flatMap((run) => run[figure]?.at(-1) ?? []);
    return last.length > 0 ? mean(last) : NaN;
  };
  const [auto, chance] = [reached('auto'), reached('random')];
  return [
    {
      ...{ name: title, value: auto, unit: figure, steady: true },
      better: figure === 'rmse' ? 'lower' : 'higher',
      peer: Number.isFinite(chance) ? { name: 'random', value: chance } : null,
    },
  ];
}

async function main(): Promise<void> {
  if (!options.data || !options.cache) {
    throw new Error('--data FOLDER (the data sets) and --cache FOLDER (tables, runs) are needed');
  }
  const { data, cache } = options;
  const learning = createLearning({ threads: Number(options.threads), backend: 'wasm' });
  const fit = surrogateOf(learning, 'gaussian-process');
  const loaded = new Map<string, LoadedDataSet>();
  const all: Compared[] = [];
  mkdirSync(cache, { recursive: true });
  try {
    for (const scenario of listOf(options.scenarios).map(scenarioOf)) {
      const { dataSet, unlabelledCostsBudget } = scenario;
      const read =
        loaded.get(dataSet) ??
        (await load(cache, dataSet, readDataSet(data, dataSet), unlabelledCostsBudget));
      // One at a time: a screen's features fill hundreds of megabytes.
      loaded.clear();
      loaded.set(dataSet, read);
      const set = await withFurther(read, scenario);
      const prepareFor = (one: Scenario) =>
        prepare(cache, one, set.file.table, set.smiles, seeds, firstOf(one, set));
      const prepared = prepareFor(scenario);
      if (!options['report-only']) {
        runPeers(prepared);
        for (const seed of seeds) {
          for (const strategy of strategiesOf(scenario)) await runOurs(prepared, strategy, seed, fit);
          for (const strategy of aloneOf(scenario)) await runOurs(prepared, strategy, seed, fit, 'alone');
        }
      }
      const calm = undisturbed(scenario);
      const compared: Compared = {
        ...{ scenario, poolSize: prepared.poolSize, runs: runsOf(prepared) },
        ...(calm && { undisturbed: readRuns(prepareFor(calm), ourName('auto'), true) }),
      };
      all.push(compared);
      process.stdout.write(renderScenario(compared));
    }
  } finally {
    await learning.close();
  }
  recordBenchmark('discovery', all.flatMap(figureOf));
  if (options.output) {
    const told = all.map(({ scenario, runs }) => ({ scenario, runs: Object.fromEntries(runs) }));
    writeFileSync(options.output, `${JSON.stringify(told, null, 2)}\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
