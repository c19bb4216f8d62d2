import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { z } from 'zod';
import type { ReplayRun } from '../../acquisition';
import {
  featurizerName,
  moleculeCapsSchema,
  parseWith,
  standardisationSchema,
  strategySchema,
  TitrateError,
  type Strategy,
} from '../../contracts';
import { verb } from '../context';
import { interruption } from '../interruption';
import type { Retrospective, SurrogateFamily } from '../models/replay-file';
import { withPorts } from '../ports';
import { createPhases } from '../progress';
import { facts, table } from '../table';
import { seed, tellProblems } from './train';

interface RetrospectiveOptions {
  readonly data: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  readonly goal: 'minimize' | 'maximize';
  readonly init: number;
  readonly batch: number;
  readonly rounds: number;
  readonly top: number;
  readonly seeds: readonly number[];
  readonly strategy: readonly (Strategy | 'default')[];
  readonly kappa?: number;
  readonly randomShare?: number;
  readonly family: SurrogateFamily;
  readonly unlabelledCostsBudget: boolean;
  readonly initial?: string;
}

const FAMILIES: readonly SurrogateFamily[] = [
  'gaussian-process',
  'random-forest',
  'mlp-ensemble',
  'message-passing-ensemble',
];

const firstSchema = z.record(z.string().regex(/^\d+$/), z.array(z.number().int().min(0)).min(1));

async function readFirst(file: string): Promise<Record<string, number[]>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new TitrateError(
      'source-missing',
      { what: `it cannot be read: ${(cause as Error).message}`, where: file },
      { cause },
    );
  }
  return parseWith(firstSchema, value, file);
}

const retrospective = verb<[], RetrospectiveOptions>(async (cli, options) => {
  const { data, goal, init, batch, rounds, top, seeds, strategy, family, kappa, randomShare } = options;
  const signal = interruption(cli, () => 'stopping');
  const first = options.initial === undefined ? undefined : await readFirst(options.initial);
  await withPorts(cli.settings, async (ports) => {
    const { readReplayFile, replayFile, surrogateOf } = await import('../models/replay-file');
    const phases = createPhases();
    const progress = { signal, onProgress: phases.onProgress };
    try {
      const file = await readReplayFile({
        file: data,
        smilesColumn: options.smilesColumn,
        targetColumn: options.targetColumn,
        unlabelledCostsBudget: options.unlabelledCostsBudget,
        family,
        chemistry: ports.chemistry(),
        caps: moleculeCapsSchema.parse({}),
        standardisation: standardisationSchema.parse({}),
        ...progress,
      });
      tellProblems(cli, data, file.problems);
      if (file.withoutValue > 0)
        cli.say(
          `${data}: ${file.withoutValue} rows have no value; they ${options.unlabelledCostsBudget ? 'cost budget and teach nothing' : 'are left out'}`,
        );
      const plan = { direction: goal, initial: init, batch, rounds, top, strategies: strategy, seeds };
      const { protocol, runs } = await replayFile(
        file,
        { ...plan, kappa, randomShare, first },
        surrogateOf(ports.learning(), family),
        progress,
      );
      phases.stop();
      const { features, kind } = file.table;
      const result: Retrospective = {
        dataset: path.basename(data),
        poolSize: features.rows,
        protocol: {
          ...protocol,
          kind,
          family,
          features: featurizerName(features.spec),
          unlabelledCostsBudget: options.unlabelledCostsBudget,
        },
        runs,
      };
      cli.result(result, render);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new TitrateError('cancelled', { what: 'stopped' }, { cause: error });
    } finally {
      phases.stop();
    }
  });
});

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function render({ dataset, poolSize, protocol, runs }: Retrospective): string {
  const strategies = [...new Set(runs.map(({ strategy }) => strategy))];
  const cycles = [...Array(protocol.rounds + 1).keys()];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const of = (strategy: string) => runs.filter((run) => run.strategy === strategy);
  const average = (strategy: string, value: (run: ReplayRun) => number) => mean(of(strategy).map(value));
  const isScreen = protocol.kind === 'screen';
  return [
    facts([
      ['pool', `${dataset}, ${poolSize} molecules`],
      ['looked for', isScreen ? 'actives' : `the ${protocol.top} best values (${protocol.direction})`],
      ['measured', `${protocol.initial} at random, then ${protocol.rounds} times ${protocol.batch}`],
      ['seeds', new Set(runs.map((run) => run.seed)).size],
      ['model', `${protocol.family} on ${protocol.features}`],
    ]),
    '',
    table(
      ['strategy', ...cycles.map((cycle) => percent(runs[0]!.measured[cycle]! / poolSize)), 'CPU s a cycle'],
      strategies.map((strategy) => [
        strategy,
        ...cycles.map((cycle) =>
          isScreen
            ? average(strategy, (run) => run.hits[cycle]!)
            : average(strategy, (run) => run.recall[cycle]!).toFixed(3),
        ),
        average(strategy, (run) => mean(run.cpuSecondsPerCycle)).toFixed(2),
      ]),
    ),
    '',
    isScreen
      ? 'mean number of actives found, by the share of the pool that was measured'
      : 'mean share of the best values found, by the share of the pool that was measured',
  ].join('\n');
}

const listOf =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] => [...new Set(text.split(',').map((part) => parse(part.trim())))];

function strategy(text: string): Strategy {
  const parsed = strategySchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`'${text}' is none of ${strategySchema.options.join(', ')}.`);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a whole number above 0.');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

/** `titrate benchmark …`: what choosing well is worth, on data whose values are known. */
export function benchmarkVerb(program: Command): void {
  program
    .command('benchmark')
    .description('how well strategies find what is known to be there')
    .command('retrospective')
    .description(
      'replay a labelled file: measure a few at random, then choose batch by batch as a campaign does',
    )
    .requiredOption('--data <file>', 'molecules and values, of any format that can be ingested')
    .option('--smiles-column <name>', "default: 'smiles', in any case")
    .requiredOption('--target-column <name>', 'values; all 0 or 1: a screen, whose actives are looked for')
    .addOption(
      new Option('--goal <goal>', 'which values are the best')
        .choices(['minimize', 'maximize'])
        .default('maximize'),
    )
    .addOption(
      new Option('--init <n>', 'measured first, a share below 1 or a number')
        .argParser(positive)
        .default(0.01),
    )
    .addOption(new Option('--batch <n>', 'measured in a cycle, the same').argParser(positive).default(0.01))
    .addOption(new Option('--rounds <n>', 'cycles').argParser(count).default(5))
    .addOption(new Option('--top <n>', 'the best values that are looked for').argParser(count).default(100))
    .addOption(new Option('--seeds <list>', 'one run a seed').argParser(listOf(seed)).default([1], '1'))
    .addOption(
      new Option('--strategy <list>', `some of ${strategySchema.options.join(',')}`)
        .argParser(listOf(strategy))
        .default(['default'], 'ei; of a screen greedy'),
    )
    .addOption(new Option('--kappa <n>', 'for ucb').argParser(positive))
    .addOption(new Option('--random-share <share>', 'of every batch, picked at random').argParser(share))
    .addOption(new Option('--family <family>', 'the model').choices(FAMILIES).default('gaussian-process'))
    .option(
      '--unlabelled-costs-budget',
      'keep rows without a value: measuring one costs and teaches nothing',
      false,
    )
    .option('--initial <file>', 'first molecules, JSON: { "seed": [row numbers from 0] }')
    .action(retrospective);
}
