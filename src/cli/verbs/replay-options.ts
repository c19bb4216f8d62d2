/** The options of `titrate benchmark retrospective`. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { z } from 'zod';
import type { Mishaps } from '../../acquisition';
import {
  goalSchema,
  parseWith,
  strategySchema,
  TitrateError,
  type Goal,
  type Strategy,
} from '../../contracts';
import { seed } from './train';
import type { ReplayPlan } from '../models/replay-plan';
import type { SurrogateFamily } from '../models/replay-surrogate';

export interface RetrospectiveOptions {
  readonly data: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  readonly goal: 'minimize' | 'maximize';
  readonly objective?: Goal;
  readonly threshold?: number;
  readonly range?: { readonly from: number; readonly to: number };
  readonly init: number;
  readonly batch: number;
  readonly rounds: number;
  readonly top: number;
  readonly seeds: readonly number[];
  readonly strategy: readonly Strategy[];
  readonly batching?: 'auto' | 'top' | 'joint';
  readonly kappa?: number;
  readonly randomShare?: number;
  readonly family: SurrogateFamily;
  readonly unlabelledCostsBudget: boolean;
  readonly initial?: string;
  readonly learning?: boolean;
  readonly test?: number;
  readonly heldOut?: string;
  readonly failed: number;
  readonly abandoned: number;
  readonly late: number;
  readonly corrected: number;
  readonly retryFailed?: boolean;
  readonly mishapBatches?: readonly number[];
}

/** Held out by `--learning` unless it is told otherwise. */
const TEST_SHARE = 0.2;

const FAMILIES: readonly SurrogateFamily[] = [
  'gaussian-process',
  'random-forest',
  'mlp-ensemble',
  'message-passing-ensemble',
];

const rowsSchema = z.record(z.string().regex(/^\d+$/), z.array(z.number().int().min(0)).min(1));

async function readRows(file: string): Promise<Record<string, number[]>> {
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
  return parseWith(rowsSchema, value, file);
}

/** @throws usage */
function mishapsOf(options: RetrospectiveOptions): Mishaps | undefined {
  const { failed, abandoned, late, corrected, retryFailed = false, mishapBatches: batches } = options;
  const sum = failed + abandoned + late + corrected;
  if (sum === 0) return undefined;
  if (sum <= 1) return { failed, abandoned, late, corrected, retryFailed, ...(batches && { batches }) };
  throw new TitrateError('usage', {
    what: `the shares of a batch that something happens to sum to ${sum}`,
    where: '--failed, --abandoned, --late, --corrected',
    remedy: 'Give shares that sum to 1 at most: a molecule suffers one mishap',
  });
}

/** @throws usage; source-missing, config-invalid for a file of row numbers */
export async function planOf(options: RetrospectiveOptions): Promise<ReplayPlan> {
  const { goal, objective, threshold, range, init, batch, rounds, top, seeds, strategy } = options;
  const { learning, test = learning ? TEST_SHARE : undefined, batching, kappa, randomShare } = options;
  const mishaps = mishapsOf(options);
  return {
    ...{
      direction: goal,
      goal: objective ?? (learning ? 'learn' : undefined),
      threshold,
      range,
      rounds,
      top,
      seeds,
      test,
      mishaps,
    },
    ...{ initial: init, batch, strategies: strategy, batching, kappa, randomShare },
    first: options.initial === undefined ? undefined : await readRows(options.initial),
    heldOut: options.heldOut === undefined ? undefined : await readRows(options.heldOut),
  };
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

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

function range(text: string): { from: number; to: number } {
  const [from, to, ...more] = text.split(',').map(number);
  if (more.length === 0 && to !== undefined && from! < to) return { from: from!, to };
  throw new InvalidArgumentError('Expected two numbers, the smaller one first, such as 2,3.5.');
}

const mishap = (flag: string, what: string) =>
  new Option(`${flag} <share>`, `share of a batch that ${what}`).argParser(share).default(0);

export function withReplayOptions(command: Command): Command {
  return command
    .requiredOption('--data <file>', 'molecules and values, of any format that can be ingested')
    .option('--smiles-column <name>', "default: 'smiles', in any case")
    .requiredOption('--target-column <name>', 'values; all 0 or 1: a screen, whose actives are looked for')
    .addOption(
      new Option('--goal <goal>', 'which values are the best')
        .choices(['minimize', 'maximize'])
        .default('maximize'),
    )
    .addOption(
      new Option(
        '--objective <objective>',
        'what batches are for; default: best, of a screen actives',
      ).choices(goalSchema.options),
    )
    .addOption(
      new Option('--threshold <value>', 'of actives: at least this, to be minimised at most').argParser(
        number,
      ),
    )
    .addOption(new Option('--range <from,to>', 'of range: the values looked for').argParser(range))
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
        .default(['auto'], 'auto'),
    )
    .addOption(
      new Option('--batching <kind>', 'rank once, or mind what the batch holds').choices([
        'auto',
        'top',
        'joint',
      ]),
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
    .option('--learning', 'for a model of all: its error on held-out molecules, by number of labels')
    .addOption(
      new Option(
        '--test <n>',
        'held out, a share below 1 or a number; default with --learning: 0.2',
      ).argParser(positive),
    )
    .option('--held-out <file>', 'held-out molecules, JSON as --initial')
    .addOption(mishap('--failed', 'gets no value'))
    .addOption(mishap('--abandoned', 'is not tried, and may be proposed again'))
    .addOption(mishap('--late', 'comes back a batch later'))
    .addOption(mishap('--corrected', 'comes back wrong, and right a batch later'))
    .option('--retry-failed', 'what failed may be proposed again')
    .addOption(
      new Option('--mishap-batches <list>', 'batches that it happens in, from 1; default: all').argParser(
        listOf(count),
      ),
    );
}
