import type { Command } from 'commander';
import { TitrateError } from '../../contracts';
import { writeFileAtomic } from '../../foundation';
import type { MoleculeOutcome } from '../../serving';
import { verb } from '../context';
import type { NamedStructure } from '../lab/structures';
import { createProgress } from '../progress';
import { withPorts } from '../ports';
import { facts, formatNumber, table, toCsv } from '../table';

interface PredictOptions {
  readonly model: string;
  readonly smiles?: string[];
  readonly smilesColumn?: string;
  readonly server?: string;
  readonly output?: string;
}

interface Answer {
  readonly model: string;
  readonly version: string;
  readonly property: string;
  readonly unit: string | null;
  readonly predictions: readonly MoleculeOutcome[];
}

/** Molecules a call: the server's limit is 1,000. */
const MOLECULES_PER_CALL = 500;
const SERVER_TIMEOUT_MS = 120_000;

async function askServer(server: string, model: string, smiles: readonly string[]): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(new URL('/predict', server), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, smiles }),
      signal: AbortSignal.timeout(SERVER_TIMEOUT_MS),
    });
  } catch (error) {
    throw new TitrateError(
      'unavailable',
      {
        what: 'no inference server answers',
        where: server,
        remedy: "Start one with 'titrate up', or leave --server out",
      },
      { cause: error },
    );
  }
  const body = (await response.json().catch(() => null)) as
    (Answer & { detail?: string; title?: string }) | null;
  if (!response.ok || !body) {
    throw new TitrateError(response.status === 404 ? 'not-found' : 'unavailable', {
      what: body?.detail ?? body?.title ?? `the server answered ${response.status}`,
      where: server,
    });
  }
  return body;
}

const predict = verb<[string | undefined], PredictOptions>(async (cli, options, file) => {
  if ((file === undefined) === (options.smiles === undefined)) {
    throw new TitrateError('usage', {
      what: 'give either a file or --smiles',
      remedy: 'titrate predict --help',
    });
  }
  return withPorts(cli.settings, async (ports) => {
    const given = options.smiles?.map((smiles, i): NamedStructure => ({ smiles, line: i + 1 }));
    const { readStructures } = await import('../lab/structures');
    const read = file
      ? await readStructures(file, ports.chemistry(), options.smilesColumn)
      : { structures: given!, problems: [] };
    for (const { line, message } of read.problems)
      cli.say(`${file}, line ${line}: ${message}; not predicted`);
    const { createPredictor } = await import('../../serving');
    // A campaign's name alone means what it serves.
    const name = /[/@]/.test(options.model) ? options.model : `${options.model}@production`;
    const predictor = options.server
      ? null
      : createPredictor({
          registry: ports.registry,
          objects: ports.objects,
          chemistry: ports.chemistry(),
          learning: ports.learning(),
        });
    const progress = createProgress('molecules', read.structures.length);
    const predictions: MoleculeOutcome[] = [];
    let head: Answer | undefined;
    try {
      for (let at = 0; at < read.structures.length; at += MOLECULES_PER_CALL) {
        const smiles = read.structures
          .slice(at, at + MOLECULES_PER_CALL)
          .map((structure) => structure.smiles);
        const answer = predictor
          ? await predictor.predict(name, smiles)
          : await askServer(options.server!, options.model.replace(/@production$/, ''), smiles);
        head ??= answer;
        predictions.push(...answer.predictions);
        progress.update(predictions.length);
      }
    } finally {
      progress.stop();
      await predictor?.close();
    }
    const rows = predictions.map((outcome, i) => ({
      ...read.structures[i]!,
      ...outcome,
      smiles: read.structures[i]!.smiles,
    }));
    const failed = predictions.filter((outcome) => 'error' in outcome).length + read.problems.length;
    const { model, version, property, unit } = head ?? {
      model: options.model,
      version: '',
      property: '',
      unit: null,
    };
    const value = { model, version, property, unit, predictions: rows, notPredicted: read.problems };
    if (options.output) {
      const header = [
        'line',
        'compoundId',
        'smiles',
        'value',
        'standardDeviation',
        'aleatoric',
        'epistemic',
        'lower90',
        'upper90',
        'similarity',
        'error',
      ];
      const cells = rows.map((row) =>
        'error' in row
          ? [row.line, row.compoundId, row.smiles, null, null, null, null, null, null, null, row.error]
          : [
              row.line,
              row.compoundId,
              row.smiles,
              row.value,
              row.standardDeviation,
              row.aleatoric,
              row.epistemic,
              ...row.interval90,
              row.nearest?.similarity,
              null,
            ],
      );
      await writeFileAtomic(options.output, toCsv(header, cells));
      cli.result({ ...value, file: options.output }, () => options.output!);
    } else {
      cli.result(value, () => {
        const cells = rows.map((row) =>
          'error' in row
            ? [row.compoundId ?? row.line, row.smiles, null, null, null, row.error]
            : [
                row.compoundId ?? row.line,
                row.smiles,
                `${formatNumber(row.value)} ± ${formatNumber(row.standardDeviation)}`,
                `${formatNumber(row.interval90[0])} to ${formatNumber(row.interval90[1])}`,
                row.nearest && formatNumber(row.nearest.similarity),
                '',
              ],
        );
        return `${facts([
          ['model', `${model}/${version}`],
          ['property', `${property}${unit ? `, ${unit}` : ''}`],
        ])}\n\n${table(['compound', 'SMILES', 'predicted', '90 % interval', 'similarity to training', 'remark'], cells)}`;
      });
    }
    if (failed)
      cli.say(`${failed} of ${rows.length + read.problems.length} molecules could not be predicted`);
    return failed ? 1 : 0;
  });
});

const collect = (value: string, before: string[] = []) => [...before, value];

/** `titrate predict`: with a registered model in this process, or through an inference server. */
export function predictVerb(program: Command): void {
  program
    .command('predict [file]')
    .description('predict molecules of a CSV, SDF or SMILES file, or of --smiles')
    .requiredOption(
      '--model <name>',
      "'solubility-42' (what it serves), 'solubility-42/v3' or 'solubility-42@candidate'",
    )
    .option('--smiles <smiles>', 'a molecule; may be given several times', collect)
    .option('--smiles-column <name>', "CSV column that holds SMILES (default: 'smiles')")
    .option('--server <url>', 'ask this inference server instead of loading the model here')
    .option('--output <file>', 'write a CSV file')
    .action(predict);
}
