/** The options of `titrate benchmark retrospective`. */
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import type { Mishaps, SeveralProperties } from '../../acquisition';
import {
  goalSchema,
  parseWith,
  strategySchema,
  TitrateError,
  type Goal,
  type Strategy,
} from '../../contracts';
import {
  also,
  count,
  listOf,
  number,
  positive,
  range,
  reference,
  share,
  strategy,
  type Also,
  type Reference,
} from './replay-arguments';
import { seed } from './train';
import type { ReplayPlan } from '../models/replay-plan';
import type { SurrogateFamily } from '../models/replay-surrogate';

export interface RetrospectiveOptions {
  readonly data: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  readonly goal: 'minimize' | 'maximize';
  readonly objective?: Goal;
  readonly also: readonly Also[];
  readonly reference: readonly Reference[];
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
/** As many as a campaign may have beside its first one. */
const MOST_FURTHER = 3;

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

/** @throws usage for columns that are named twice, or that nothing was said of */
function severalOf(options: RetrospectiveOptions): SeveralProperties | undefined {
  const { targetColumn, also: further, reference: worstOf } = options;
  if (further.length > MOST_FURTHER) {
    throw new TitrateError('usage', {
      what: `${further.length} further properties; expected ${MOST_FURTHER} at most`,
      where: '--also',
    });
  }
  const names = [targetColumn, ...further.map(({ property }) => property)];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  const unknown = worstOf.find(({ property }) => !names.includes(property) || further.length === 0);
  if (twice !== undefined || unknown) {
    throw new TitrateError('usage', {
      what: unknown ? `'${unknown.property}' is none of several properties` : `'${twice}' stands there twice`,
      where: unknown ? '--reference' : '--also',
      remedy: `Name each further property once by --also; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`,
    });
  }
  if (further.length === 0) return undefined;
  const worst = new Map(worstOf.map(({ property, value }) => [property, { reference: value }]));
  return {
    ...{ property: targetColumn, ...worst.get(targetColumn) },
    others: further.map((each) => ({ ...each, ...worst.get(each.property) })),
  };
}

/** @throws usage; source-missing, config-invalid for a file of row numbers */
export async function planOf(options: RetrospectiveOptions): Promise<ReplayPlan> {
  const { goal, objective, threshold, range, init, batch, rounds, top, seeds, strategy } = options;
  const { learning, test = learning ? TEST_SHARE : undefined, batching, kappa, randomShare } = options;
  const mishaps = mishapsOf(options);
  return {
    ...{
      direction: goal,
      several: severalOf(options),
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
        'what batches are for; default: best, of a screen actives, of several properties pareto',
      ).choices(goalSchema.options),
    )
    .addOption(
      new Option('--threshold <value>', 'of actives: at least this, to be minimised at most').argParser(
        number,
      ),
    )
    .addOption(new Option('--range <from,to>', 'of range: the values looked for').argParser(range))
    .addOption(
      new Option('--also <column:direction>', 'a further property, to be traded off; up to three times')
        .argParser(also)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--reference <column:value>',
        'of several properties: the worst value of interest; default: by the front',
      )
        .argParser(reference)
        .default([], 'none'),
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
