import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  learningTaskSchema,
  modelFamilySchema,
  moleculeCapsSchema,
  standardisationSchema,
  TitrateError,
  type LearningTask,
  type ModelFamily,
  type Split,
} from '../../contracts';
import { verb } from '../context';
import { interruption } from '../interruption';
import type { Exploration } from '../models/explore-file';
import { withPorts } from '../ports';
import { createPhases } from '../progress';
import { facts, formatNumber, table } from '../table';
import { checkSplit, readLabelFile, seed, splitOption, tellUndated } from './train';

type Explorable = Exclude<ModelFamily, 'stack'>;

interface ExploreOptions {
  readonly data: string;
  readonly smilesColumn?: string;
  readonly targetColumn: string;
  readonly task?: LearningTask;
  readonly families: 'auto' | readonly Explorable[];
  readonly split: Split;
  readonly timeColumn?: string;
  readonly seed: number;
}

const explore = verb<[], ExploreOptions>(async (cli, options) => {
  checkSplit(options);
  const signal = interruption(cli, () => 'stopping');
  await withPorts(
    cli.settings,
    async (ports) => {
      const { exploreTable } = await import('../models/explore-file');
      const { data, smilesColumn, targetColumn, timeColumn, families, split, task } = options;
      const [chemistry, learning] = [ports.chemistry(), ports.learning()];
      const how = {
        chemistry,
        caps: moleculeCapsSchema.parse({}),
        standardisation: standardisationSchema.parse({}),
      };
      const source = { file: data, smilesColumn, targetColumn, timeColumn, task };
      const phases = createPhases();
      try {
        const labels = await readLabelFile(cli, { ...how, ...source }, signal);
        if (split === 'time') tellUndated(cli, data, labels);
        const request = {
          table: labels,
          families,
          split,
          seed: options.seed,
          signal,
          onProgress: phases.onProgress,
        };
        const explored = await exploreTable({ chemistry, learning }, request);
        phases.stop();
        for (const { smiles, message } of explored.left) cli.say(`${data}: ${smiles}: ${message}; left out`);
        cli.result(explored, render);
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new TitrateError('cancelled', { what: 'stopped' }, { cause: error });
      } finally {
        phases.stop();
      }
    },
    { job: 'explore', tell: cli.say },
  );
});

function render({ trials, mattered, ...explored }: Exploration): string {
  const sizes = [...new Set(trials.flatMap(({ curve }) => curve.map(({ rows }) => rows)))].sort(
    (a, b) => a - b,
  );
  const scoreAt = (curve: Exploration['trials'][0]['curve'], size: number) => {
    const point = curve.find(({ rows }) => rows === size);
    return point ? point.score : null;
  };
  return [
    facts([
      ['labels', explored.labels],
      ['looked at', `${explored.subsetRows}: ${explored.downscaling}`],
      ['folds', explored.split],
      ['score', `${explored.score}, out of fold; lower is better`],
    ]),
    '',
    table(
      ['trial', 'family', 'features', ...sizes.map((size) => `${size} labels`), ''],
      trials.map(({ trialId, family, featurizer, curve, leads, failure }) => [
        trialId,
        family,
        featurizer,
        ...sizes.map((size) => scoreAt(curve, size)),
        failure ? `failed: ${failure}` : leads ? 'goes on' : '',
      ]),
    ),
    '',
    table(
      ['what mattered', 'explains', `mean ${explored.score} by level, best first`],
      mattered.map(({ factor, explained, levels }) => [
        factor,
        `${Math.round(100 * explained)} %`,
        levels.map(({ level, meanScore }) => `${level}: ${formatNumber(meanScore)}`).join('; '),
      ]),
      'too few trials to tell what mattered',
    ),
  ].join('\n');
}

const EXPLORABLE = modelFamilySchema.options.filter((family): family is Explorable => family !== 'stack');

function families(text: string): 'auto' | Explorable[] {
  if (text === 'auto') return text;
  const named = text.split(',').map((name) => name.trim());
  const unknown = named.find((name) => !EXPLORABLE.some((family) => family === name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`'${unknown}' is none of ${EXPLORABLE.join(', ')}.`);
  return [...new Set(named)] as Explorable[];
}

/** `titrate explore`: which models and features do well on a file of molecules and values, without training any to the end. */
export function exploreVerb(program: Command): void {
  program
    .command('explore')
    .description(
      'compare models and features on a part of a CSV, SDF, NDJSON or Parquet file; nothing is written',
    )
    .requiredOption('--data <file>', 'molecules and values')
    .option('--smiles-column <name>', "default: 'smiles', in any case")
    .requiredOption('--target-column <name>', 'measured values, or classes 0 and 1')
    .addOption(
      new Option('--task <task>', 'default: classification when every value is 0 or 1').choices(
        learningTaskSchema.options,
      ),
    )
    .addOption(
      new Option('--families <list>', `'auto', or some of ${EXPLORABLE.join(',')}`)
        .argParser(families)
        .default('auto'),
    )
    .addOption(splitOption())
    .option('--time-column <name>', 'dates of measurement, for --split time')
    .addOption(
      new Option('--seed <number>', 'the same seed gives the same comparison').argParser(seed).default(1),
    )
    .action(explore);
}
