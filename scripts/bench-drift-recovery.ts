/**
 * `npm run bench:recovery -- --data FOLDER`: campaigns in the middle of which what is asked for changes, or a laboratory's values are off, replayed
 * over real molecules with the drift policy's response and without it, from the same first molecules with the same seeds; and the same
 * campaigns with nothing that changes, in which nothing should be done (`--only changes|quiet`: one of the two). JSON to standard output, a table to standard error. See docs/drift.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { surrogateOf } from '../src/cli/models/replay-surrogate';
import { createLearning } from '../src/learning';
import { runCampaign, type CampaignRun } from './peers/drift/recovery/campaign';
import { loadLibrary, type Library } from './peers/drift/recovery/library';
import { figuresOfRuns, renderRecovery, type RecoveryFigures } from './peers/drift/recovery/report';
import { quiet, RECOVERY_SCENARIOS, type RecoveryScenario } from './peers/drift/recovery/scenarios';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    seeds: { type: 'string', default: '10' },
    scenarios: { type: 'string' },
    /** Campaigns in which something changes, those in which nothing does, or both. */
    only: { type: 'string' },
    threads: { type: 'string', default: '1' },
    output: { type: 'string' },
  },
});

const wanted = options.scenarios?.split(',').filter(Boolean);
const scenarios = RECOVERY_SCENARIOS.filter(({ name }) => !wanted || wanted.includes(name));

async function runAll(
  library: Library,
  scenario: RecoveryScenario,
  fit: Parameters<typeof runCampaign>[2],
): Promise<RecoveryFigures> {
  const isQuiet = !Number.isFinite(scenario.shift?.from ?? scenario.offset?.from);
  const runs: CampaignRun[] = [];
  const started = process.cpuUsage();
  for (let seed = 1; seed <= Number(options.seeds); seed++) {
    const withIt = await runCampaign(library, scenario, fit, { seed, arm: 'with' });
    runs.push(withIt);
    // Where nothing was done the campaign without the response is the same one.
    const isSame = isQuiet && withIt.actions.length === 0;
    runs.push(
      isSame
        ? { ...withIt, arm: 'without' }
        : await runCampaign(library, scenario, fit, { seed, arm: 'without' }),
    );
  }
  const { user, system } = process.cpuUsage(started);
  process.stderr.write(`${scenario.name}: ${((user + system) / 1e6).toFixed(0)} CPU s\n`);
  return figuresOfRuns(scenario, runs);
}

async function main(): Promise<void> {
  if (!options.data) throw new Error('--data FOLDER (the data sets) is needed');
  if (options.only !== undefined && !['changes', 'quiet'].includes(options.only))
    throw new Error(`--only is '${options.only}', expected changes or quiet`);
  if (scenarios.length === 0)
    throw new Error(`no such scenario; there are ${RECOVERY_SCENARIOS.map(({ name }) => name).join(', ')}`);
  const learning = createLearning({ threads: Number(options.threads), backend: 'wasm' });
  const fit = surrogateOf(learning, 'gaussian-process');
  const libraries = new Map<string, Library>();
  const all: RecoveryFigures[] = [];
  try {
    for (const scenario of scenarios) {
      const { dataSet, molecules } = scenario;
      const library = libraries.get(dataSet) ?? (await loadLibrary(options.data, dataSet, molecules));
      libraries.set(dataSet, library);
      if (options.only !== 'quiet') all.push(await runAll(library, scenario, fit));
      if (options.only !== 'changes') all.push(await runAll(library, quiet(scenario), fit));
    }
  } finally {
    await learning.close();
  }
  process.stderr.write(renderRecovery(all));
  const told = `${JSON.stringify(all, null, 2)}\n`;
  process.stdout.write(told);
  if (options.output) writeFileSync(options.output, told);
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
