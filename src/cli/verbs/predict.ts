import { type Command } from 'commander';
import { TitrateError } from '../../contracts';
import { verb } from '../context';
import { interruption } from '../interruption';
import type { PredictedRow } from '../models/predicted-rows';
import type { ModelInUse } from '../models/predicting';
import { createProgress } from '../progress';
import { withPorts } from '../ports';
import { facts, formatNumber, table } from '../table';

interface PredictOptions {
  readonly model: string;
  readonly smiles?: string[];
  readonly smilesColumn?: string;
  readonly server?: string;
  readonly output?: string;
}

/** What `titrate predict --json` ends with; `predictions` where no file was asked for. */
interface Predicted extends ModelInUse {
  readonly molecules: number;
  /** Molecules of these that could not be predicted: rows with `error`. */
  readonly failed: number;
  readonly file?: string;
  readonly predictions?: readonly PredictedRow[];
}

function describe({ model, version, property, unit, task, predictions }: Predicted): string {
  const cells = predictions!.map((row) =>
    'error' in row
      ? [row.compoundId ?? row.line, row.smiles, null, null, null, row.error]
      : [
          row.compoundId ?? row.line,
          row.smiles,
          `${formatNumber(row.value)} ± ${formatNumber(row.standardDeviation)}`,
          `${formatNumber(row.interval90[0])} to ${formatNumber(row.interval90[1])}`,
          row.nearest && formatNumber(row.nearest.similarity),
          row.applicable === false ? 'unlike anything the model was judged on' : '',
        ],
  );
  const wanted = task === 'classification' ? `probability of ${property}` : property;
  return `${facts([
    ['model', `${model}/${version}`],
    ['property', `${wanted}${unit ? `, ${unit}` : ''}`],
  ])}\n\n${table(['compound', 'SMILES', 'predicted', '90 % interval', 'similarity to training', 'remark'], cells)}`;
}

const predict = verb<[string | undefined], PredictOptions>(async (cli, options, file) => {
  if ((file === undefined) === (options.smiles === undefined)) {
    throw new TitrateError('usage', {
      what: 'give either a file or --smiles',
      remedy: 'titrate predict --help',
    });
  }
  const signal = interruption(cli, () => 'stopping; nothing is written');
  await withPorts(cli.settings, async (ports) => {
    const { openPredicting } = await import('../models/predicting');
    const { predictedRows } = await import('../models/predicted-rows');
    const { openPredictionFile } = await import('../models/prediction-file');
    const output = options.output === undefined ? null : await openPredictionFile(options.output);
    const progress = createProgress('predicting', 0);
    const kept: PredictedRow[] = [];
    let [molecules, failed] = [0, 0];
    try {
      const predicting = await openPredicting(ports, options);
      for (const warning of predicting.warnings) cli.say(`${options.model}: ${warning}`);
      const asked = { file, smiles: options.smiles, smilesColumn: options.smilesColumn };
      const onBytes = (done: number, total: number) => progress.update(done, total, `${molecules} molecules`);
      try {
        for await (const rows of predictedRows(asked, ports.chemistry(), predicting, { signal, onBytes })) {
          if (output) await output.write(rows);
          else kept.push(...rows);
          molecules += rows.length;
          failed += rows.filter((row) => 'error' in row).length;
        }
      } finally {
        predicting.close();
      }
      await output?.finish();
      const inUse = predicting.inUse() ?? {
        ...{ model: options.model, version: '', property: '', unit: null, task: null },
      };
      const counts = { ...inUse, molecules, failed };
      if (options.output === undefined) cli.result<Predicted>({ ...counts, predictions: kept }, describe);
      else cli.result<Predicted>({ ...counts, file: options.output }, () => options.output!);
    } finally {
      progress.stop();
      await output?.abandon();
    }
    if (failed) cli.say(`${failed} of ${molecules} molecules could not be predicted; their rows say why`);
  });
});

const collect = (value: string, before: string[] = []) => [...before, value];

/**
 * `titrate predict`: with a model directory or a registered model in this process, or through an inference server. A molecule that
 * cannot be predicted is a row with its error and no failure of the command: its exit code is 0 when every row was answered.
 */
export function predictVerb(program: Command): void {
  program
    .command('predict [file]')
    .description('predict molecules of a CSV, SDF, SMILES, NDJSON or Parquet file, or of --smiles')
    .requiredOption(
      '--model <name>',
      "a directory of 'titrate train', or 'solubility-42' (what it serves), 'solubility-42/v3', 'solubility-42@candidate'",
    )
    .option('--smiles <smiles>', 'a molecule; may be given several times', collect)
    .option('--smiles-column <name>', "column that holds SMILES (default: 'smiles')")
    .option('--server <url>', 'ask this inference server instead of loading the model here')
    .option('--output <file>', 'write a .csv or .ndjson file, part by part: any number of molecules')
    .addHelpText(
      'after',
      '\nA molecule that cannot be predicted gets a row with the error; the exit code is 0 all the same.',
    )
    .action(predict);
}
