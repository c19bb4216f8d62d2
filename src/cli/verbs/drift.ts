import { Option, type Command } from 'commander';
import { TitrateError } from '../../contracts';
import { verb } from '../context';
import type { DriftReport, WindowReport } from '../drift/report';
import { interruption } from '../interruption';
import { withPorts } from '../ports';
import { createPhases } from '../progress';
import { facts, table } from '../table';
import { campaignDriftVerbs } from './drift-of-campaign';

interface DriftOptions {
  readonly reference?: string;
  readonly stream?: string;
  readonly model?: string;
  readonly window?: string;
  readonly smilesColumn?: string;
  readonly valueColumn?: string;
  readonly unit?: string;
  readonly streamUnit?: string;
  readonly unitColumn?: string;
  readonly plateColumn?: string;
  readonly labColumn?: string;
  readonly predictedColumn?: string;
  readonly deviationColumn?: string;
  readonly hitAbove?: string;
  readonly hitBelow?: string;
}

/** Bad rows shown on standard error, of each file; the JSON has all of them. */
const SHOWN_PROBLEMS = 10;

function number(text: string, option: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new TitrateError('usage', { what: `'${text}' is no number`, where: option });
}

function windowRows(text: string): number {
  const rows = number(text, '--window');
  if (Number.isInteger(rows) && rows >= 1) return rows;
  throw new TitrateError('usage', {
    what: `'${text}' is no number of rows`,
    where: '--window',
    remedy: 'Give a whole number from 1 up, for instance 200',
  });
}

/** The command has commands of its own, which need none of these. */
function needed(options: DriftOptions) {
  const { reference, stream, window } = options;
  if (reference !== undefined && stream !== undefined && window !== undefined)
    return { reference, stream, window: windowRows(window) };
  throw new TitrateError('usage', {
    what: 'files are compared by --reference, --stream and --window, all three',
    remedy: "Give them, or ask how a campaign stands: 'titrate drift status CAMPAIGN'",
  });
}

const told = ({ findings, diagnosis }: WindowReport) =>
  diagnosis
    ? `${diagnosis.of ? `${diagnosis.cause} (${diagnosis.of})` : diagnosis.cause}: ${diagnosis.sentence}`
    : findings
        .filter(({ verdict }) => verdict === 'watch')
        .map(({ sentence }) => sentence)
        .join(' ');

function describe({ windows, rows, problems, referenceRows }: DriftReport): string {
  const worst = (verdict: string) => windows.filter((each) => each.verdict === verdict).length;
  const summary = facts([
    ['reference', `${referenceRows} rows`],
    ['stream', `${rows} rows, ${problems.stream.length} of them cannot be used`],
    ['windows', `${windows.length}: ${worst('act')} act, ${worst('watch')} watch, ${worst('ok')} ok`],
  ]);
  const lines = windows.map((each) => [each.window, `${each.from}-${each.to}`, each.verdict, told(each)]);
  return `${summary}\n\n${table(['window', 'rows', 'verdict', 'what it looks like'], lines)}`;
}

const drift = verb<[], DriftOptions>(async (cli, options) => {
  const { hitAbove, hitBelow } = options;
  const hits =
    hitAbove !== undefined
      ? { threshold: number(hitAbove, '--hit-above'), direction: 'above' as const }
      : hitBelow !== undefined
        ? { threshold: number(hitBelow, '--hit-below'), direction: 'below' as const }
        : undefined;
  const files = needed(options);
  const signal = interruption(cli, () => 'stopping');
  await withPorts(cli.settings, async (ports) => {
    const { watchFiles } = await import('../drift/watch-files');
    const phases = createPhases();
    try {
      const report = await watchFiles(ports, {
        ...options,
        ...{ ...files, hits, signal },
        // How many rows there are is known at the end: half of the way is always ahead.
        onProgress: (what, rows) => phases.onProgress(what, rows, 2 * rows),
      });
      phases.stop();
      for (const note of report.notes) cli.say(note);
      for (const [file, problems] of [
        [files.reference, report.problems.reference],
        [files.stream, report.problems.stream],
      ] as const) {
        for (const { line, message } of problems.slice(0, SHOWN_PROBLEMS))
          cli.say(`${file}, line ${line}: ${message}`);
        if (problems.length > SHOWN_PROBLEMS)
          cli.say(
            `${file}: ${problems.length - SHOWN_PROBLEMS} more rows cannot be used; --json tells them all`,
          );
      }
      cli.result<DriftReport>(report, describe);
    } finally {
      phases.stop();
    }
  });
});

/**
 * `titrate drift`: the detectors on files alone, one verdict a window. The exit code is 0 whatever the verdicts: they are the result,
 * and no failure of the command.
 */
export function driftVerb(program: Command): void {
  const files = program
    .command('drift')
    .description(
      'tell whether the molecules, predictions and values of a stream have moved away from a reference; or what a campaign has seen and done',
    )
    .option(
      '--reference <file>',
      'a sample of the screening pool, or the random slice of a campaign; never the acquired molecules',
    )
    .option('--stream <file>', 'what came since, in its order')
    .option(
      '--model <name>',
      "a directory of 'titrate train', or a registered model: its predictions, residuals, training set",
    )
    .option(
      '--window <rows>',
      'rows of the stream that get one verdict: a batch, or some hundreds of predictions',
    )
    .option('--smiles-column <name>', "column that holds SMILES (default: 'smiles')")
    .option(
      '--value-column <name>',
      "column of measured values (default: the model's property, where there is such a column)",
    )
    .option('--unit <unit>', "unit of values without one of their own (default: the model's)")
    .option('--stream-unit <unit>', "the same for the stream's values, where it is another one")
    .option('--unit-column <name>', 'column with the unit of each value')
    .option('--plate-column <name>', "column that names the plate (default: 'plate', where there is one)")
    .option('--lab-column <name>', "column that names the laboratory (default: 'lab', where there is one)")
    .option(
      '--predicted-column <name>',
      'column of what was predicted; with --model it is compared with what the model says now',
    )
    .option('--deviation-column <name>', 'column of the predicted standard deviation')
    .addOption(new Option('--hit-above <value>', 'values from this one up are hits').conflicts('hitBelow'))
    .option('--hit-below <value>', 'values from this one down are hits')
    .addHelpText(
      'after',
      "\nBoth files may have columns named like RDKit's descriptors (tpsa, amw, ...): what serving computed. They are compared with what is computed now.\nThe exit code is 0 whatever the verdicts are.",
    )
    .action(drift);
  campaignDriftVerbs(files);
}
