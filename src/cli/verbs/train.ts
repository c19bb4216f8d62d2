import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  CAMPAIGN_ID_PATTERN,
  learningTaskSchema,
  modelFamilySchema,
  moleculeCapsSchema,
  ruleSetName,
  splitSchema,
  standardisationSchema,
  TitrateError,
  type LearningTask,
  type ModelFamily,
  type ModelMetrics,
  type Split,
  type TrainedCard,
} from '../../contracts';
import { encodeNdjson, release } from '../../foundation';
import type { RecipeFamilies } from '../../learning';
import type { Ports } from '../../platform/composition';
import { verb, type Cli } from '../context';
import { interruption } from '../interruption';
import type { LabelRequest, LabelTable } from '../models/label-table';
import { withPorts } from '../ports';
import { createPhases, createProgress } from '../progress';
import { facts, formatNumber } from '../table';

interface TrainOptions {
  readonly data: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  readonly unit?: string;
  readonly test?: string;
  readonly task?: LearningTask;
  readonly family: RecipeFamilies;
  readonly split: Split;
  readonly timeColumn?: string;
  readonly seed: number;
  readonly output: string;
}

/** What `titrate train` ends with. */
export interface Trained {
  /** The directory that was written. */
  readonly model: string;
  readonly family: ModelFamily;
  readonly task: LearningTask;
  readonly features: string;
  /** Molecules trained on. */
  readonly labels: number;
  /** What the metrics were taken on. */
  readonly heldOut: 'test' | 'cross-validation';
  /** What the folds of the evaluation, and of the comparison of families, held out together. */
  readonly split: Split;
  /** Numbers, and beside them `intervals`: 95 %, lower and upper end. */
  readonly metrics: ModelMetrics;
  /** Share of held-out values inside the 90 % interval; null for a classifier. */
  readonly coverage90: number | null;
  /** CPU seconds of the whole command, over all of its threads. */
  readonly cpuSeconds: number;
}

/** Bad rows told one by one; of more, the number. */
const TOLD_PROBLEMS = 20;
const MICROSECONDS = 1e6;

async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Says which rows of a file could not be used, the first of them one by one. */
export function tellProblems(cli: Cli, file: string, problems: LabelTable['problems']): void {
  for (const { line, message } of problems.slice(0, TOLD_PROBLEMS))
    cli.say(`${file}, line ${line}: ${message}`);
  const more = problems.length - TOLD_PROBLEMS;
  if (more > 0) cli.say(`${file}: ${more} more rows could not be used`);
}

function tell(cli: Cli, file: string, table: LabelTable): void {
  tellProblems(cli, file, table.problems);
  const repeated =
    table.task === 'classification'
      ? 'the majority of their classes counts'
      : 'means of measured values; of bounds alone the tightest';
  if (table.repeated > 0)
    cli.say(`${file}: ${table.repeated} values are of molecules that stand in an earlier row (${repeated})`);
  if (table.withoutValue > 0) cli.say(`${file}: ${table.withoutValue} rows have no value and are left out`);
}

/** Reads a file of labels and says what of it cannot be used. */
export async function readLabelFile(
  cli: Cli,
  request: LabelRequest,
  signal: AbortSignal,
): Promise<LabelTable> {
  const { readLabels } = await import('../models/label-table');
  const reading = createProgress(`reading ${request.file}`, 0);
  const onProgress = (rows: number) => reading.update(rows, rows, `${rows} rows`);
  const table = await readLabels({ ...request, signal, onProgress }).finally(() => reading.stop());
  tell(cli, request.file, table);
  return table;
}

async function trainAndWrite(
  cli: Cli,
  ports: Ports,
  options: TrainOptions,
  signal: AbortSignal,
): Promise<{ trained: Omit<Trained, 'cpuSeconds'>; card: TrainedCard }> {
  const { data, smilesColumn, targetColumn, unit, test, family, split, timeColumn, seed } = options;
  checkSplit(options);
  const { writeModelDirectory, checkModelTarget } = await import('../../tracking');
  const output = path.resolve(options.output);
  // Said before the work, not after it.
  await checkModelTarget(output);
  const { cardOf, featuresOf, judgeOn, trainOn } = await import('../models/train-model');
  const standardisation = standardisationSchema.parse({});
  const [chemistry, learning] = [ports.chemistry(), ports.learning()];
  const how = {
    smilesColumn,
    targetColumn,
    unit,
    chemistry,
    caps: moleculeCapsSchema.parse({}),
    standardisation,
  };
  const table = await readLabelFile(cli, { ...how, timeColumn, file: data, task: options.task }, signal);
  if (split === 'time') tellUndated(cli, data, table);
  // Read before the training as well: a test set that cannot be used is better known at once.
  const tested =
    test === undefined ? null : await readLabelFile(cli, { ...how, file: test, task: table.task }, signal);

  const phases = createPhases();
  const parts = { chemistry, learning, signal, onProgress: phases.onProgress };
  try {
    const { result, featurised } = await trainOn(parts, table, { families: family, split, seed });
    for (const { smiles, message } of featurised.left) cli.say(`${data}: ${smiles}: ${message}; left out`);
    try {
      const name = path.basename(output);
      const runtime = {
        ...(await learning.runtime()),
        rdkit: await chemistry.version(),
        ruleSet: ruleSetName(standardisation),
        node: process.versions.node,
      };
      const { rows } = featurised;
      const unplaced = cardOf(result, {
        name: CAMPAIGN_ID_PATTERN.test(name) ? name : 'model',
        property: targetColumn,
        unit: table.unit,
        ...{ seed, split, rows, runtime, code: release },
        sourceSha256: await sha256OfFile(data),
      });
      const onTest = tested && {
        sha256: await sha256OfFile(test!),
        metrics: await judgeOn(parts, result.model, unplaced, tested),
      };
      if (tested) warnOfOverlap(cli, table, tested);
      const card = await writeModelDirectory(output, {
        card: { ...unplaced, ...(onTest && { test: onTest }) } as typeof unplaced,
        weights: await result.model.serialise(),
        training: encodeNdjson(rows),
      });
      const metrics = onTest?.metrics ?? card.metrics;
      const trained = {
        model: options.output,
        family: card.family,
        task: table.task,
        features: featuresOf(card),
        labels: rows.length,
        heldOut: onTest ? ('test' as const) : ('cross-validation' as const),
        split,
        metrics,
        coverage90: metrics.task === 'classification' ? null : metrics.coverage90,
      };
      return { trained, card };
    } finally {
      result.model.dispose();
    }
  } finally {
    phases.stop();
  }
}

function warnOfOverlap(cli: Cli, table: LabelTable, tested: LabelTable): void {
  const known = new Set(table.rows.map(({ moleculeId }) => moleculeId));
  const shared = tested.rows.filter(({ moleculeId }) => known.has(moleculeId)).length;
  if (shared > 0)
    cli.say(
      `${shared} of the ${tested.rows.length} test molecules were trained on: the figures flatter the model`,
    );
}

/** @throws TitrateError usage when a split by time has no column to go by, or a column no use */
export function checkSplit({
  split,
  timeColumn,
}: {
  readonly split: Split;
  readonly timeColumn?: string;
}): void {
  if ((split === 'time') === (timeColumn !== undefined)) return;
  throw new TitrateError('usage', {
    what:
      timeColumn === undefined ? 'a split by time needs dates' : `with a split '${split}' dates say nothing`,
    where: '--split',
    remedy: 'Give --split time and --time-column together',
  });
}

export function tellUndated(cli: Cli, file: string, { rows, dates }: LabelTable): void {
  const undated = rows.filter(({ moleculeId }) => !dates.has(moleculeId)).length;
  if (undated > 0)
    cli.say(`${file}: ${undated} of ${rows.length} molecules have no date; they count as the earliest`);
}

/** What is held out together. */
export const splitOption = () =>
  new Option(
    '--split <split>',
    "what the folds hold out: molecules at random, whole scaffolds, or later measurements ('time')",
  )
    .choices(splitSchema.options)
    .default('random');

const train = verb<[], TrainOptions>(async (cli, options) => {
  const signal = interruption(cli, () => 'stopping; nothing is written');
  await withPorts(
    cli.settings,
    async (ports) => {
      const { trained, card } = await trainAndWrite(cli, ports, options, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        throw new TitrateError('cancelled', { what: 'stopped; nothing was written' }, { cause: error });
      });
      const { user, system } = process.cpuUsage();
      const result: Trained = { ...trained, cpuSeconds: (user + system) / MICROSECONDS };
      const { figuresOf } = await import('../../tracking');
      cli.result(result, (r) =>
        facts([
          ['model', r.model],
          ['family', r.family],
          ['features', r.features],
          ['labels', r.labels],
          [
            'held out',
            `${r.metrics.n} molecules, ${r.heldOut}${r.heldOut === 'test' ? '' : ` (${r.split})`}`,
          ],
          ...figuresOf(r.metrics).map(({ name, value, interval, inUnit }): [string, string] => [
            name,
            `${formatNumber(value)}${inUnit && card.unit ? ` ${card.unit}` : ''}${interval ? ` (95 %: ${formatNumber(interval[0])} to ${formatNumber(interval[1])})` : ''}`,
          ]),
          ['CPU seconds', Number(r.cpuSeconds.toFixed(1))],
        ]),
      );
    },
    { job: 'train', tell: cli.say },
  );
});

export function seed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value >= 2 ** 32)
    throw new InvalidArgumentError('Expected a whole number from 0 to 4294967295.');
  return value;
}

/** `titrate train`: a model from a file of molecules and values, without a server. */
export function trainVerb(program: Command): void {
  program
    .command('train')
    .description('train a model on a CSV, SDF, NDJSON or Parquet file and write it as a directory')
    .requiredOption('--data <file>', 'molecules and values')
    .option('--smiles-column <name>', "default: 'smiles', in any case")
    .requiredOption('--target-column <name>', 'measured values, or classes 0 and 1')
    .option('--unit <unit>', 'unit of the values; kept with the model')
    .option('--test <file>', 'molecules set aside, with the same columns: the figures are taken on them')
    .addOption(
      new Option('--task <task>', 'default: classification when every value is 0 or 1').choices(
        learningTaskSchema.options,
      ),
    )
    .addOption(
      new Option('--family <family>', "'auto' tries several and combines what helps")
        .choices(['auto', ...modelFamilySchema.options])
        .default('auto'),
    )
    .addOption(splitOption())
    .option('--time-column <name>', 'dates of measurement, for --split time')
    .addOption(new Option('--seed <number>', 'the same seed gives the same model').argParser(seed).default(1))
    .requiredOption('--output <directory>', 'where the model goes: empty, not there yet, or another model')
    .action(train);
}
