import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { QUARANTINE_REASONS, sourceName, STEPS, TitrateError, type QuarantineRow } from '../../../contracts';
import { writeFileAtomic } from '../../../foundation';
import { verb } from '../../context';
import { withPorts } from '../../ports';
import { facts, table } from '../../table';

interface QuarantineOptions {
  readonly reason?: string;
  readonly source?: string;
  readonly limit: number;
}

const limit = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a number of rows.');
  return Number(text);
};

const LONGEST_RAW = 60;
const short = (raw: string) => {
  const line = raw.replace(/\s+/g, ' ');
  return line.length > LONGEST_RAW ? `${line.slice(0, LONGEST_RAW)}…` : line;
};

const quarantine = verb<[string], QuarantineOptions>(async (cli, options, reference) => {
  await withPorts(cli.settings, async ({ datasets }) => {
    const version = await datasets.resolve(reference);
    const filter = { reason: options.reason, source: options.source };
    const rows: (QuarantineRow & { source: string })[] = [];
    let total = 0;
    for await (const batch of datasets.quarantine(version, filter)) {
      total += batch.length;
      rows.push(...batch.slice(0, options.limit - rows.length));
    }
    cli.result({ version: version.id, total, rows }, (r) =>
      table(
        ['source', 'line', 'reason', 'why', 'text'],
        r.rows.map(({ source, line, reason, message, raw }) => [source, line, reason, message, short(raw)]),
        'no row is quarantined',
      ),
    );
    if (total > rows.length) cli.say(`${total - rows.length} more rows; see --limit, --reason and --source`);
  });
});

const exportVersion = verb<[string], { output: string; format?: 'parquet' | 'csv' }>(
  async (cli, options, reference) => {
    const format = options.format ?? path.extname(options.output).slice(1).toLowerCase();
    if (format !== 'parquet' && format !== 'csv') {
      throw new TitrateError('usage', {
        what: `'${options.output}' says no known format`,
        where: '--output',
        remedy: 'Name the file .parquet or .csv, or give --format',
      });
    }
    await withPorts(cli.settings, async ({ datasets }) => {
      const version = await datasets.resolve(reference);
      const { rows } = await datasets.exportTo(version, path.resolve(options.output), format);
      cli.result({ version: version.id, file: options.output, format, rows }, (e) => e.file);
    });
  },
);

const card = verb<[string], { output?: string; seed: number }>(async (cli, options, reference) => {
  await withPorts(cli.settings, async (ports) => {
    const { createDataCard, renderDataCard } = await import('../../../datasets');
    const version = await ports.datasets.resolve(reference);
    const chemistry = ports.chemistry();
    const key = {
      inputs: { rows: version.rowsSha256, quarantine: version.quarantine.sha256 },
      parameters: { version: version.id, dataset: version.dataset, sources: version.sources.map(sourceName) },
      seed: options.seed,
      runtime: { rdkit: await chemistry.version() },
    };
    const { value: found } = await ports.steps.run(STEPS.dataCard, key, () =>
      createDataCard({ datasets: ports.datasets, version, chemistry, seed: options.seed }),
    );
    const text = renderDataCard(found);
    if (options.output) {
      await writeFileAtomic(options.output, text);
      cli.result({ ...found, file: options.output }, () => options.output!);
    } else cli.result(found, () => text);
  });
});

const prepare = verb<[], { dryRun?: boolean }>(async (cli, options) => {
  const { settings } = cli;
  const { prepareStorage } = await import('../../../platform/prepare');
  const changes = await prepareStorage(settings, { dryRun: options.dryRun ?? false });
  cli.result({ dryRun: options.dryRun ?? false, changes }, (r) =>
    facts(r.changes.map(({ part, change }) => [part, change] as const)),
  );
  if (changes.length === 0) cli.say('everything is as it should be');
});

export function contentVerbs(data: Command): void {
  data
    .command('quarantine <version>')
    .description('rows that could not be used: where they stood, what they said, why')
    .addOption(new Option('--reason <code>', 'only this reason').choices(QUARANTINE_REASONS))
    .option('--source <name>', 'only this source')
    .addOption(new Option('--limit <rows>', 'rows shown').argParser(limit).default(50))
    .action(quarantine);
  data
    .command('export <version>')
    .description('all rows of a version as one file')
    .requiredOption('--output <file>', 'a .parquet or .csv file')
    .addOption(new Option('--format <format>', "default: by the file's name").choices(['parquet', 'csv']))
    .action(exportVersion);
  data
    .command('card <version>')
    .description('what is in a version: counts, ranges, duplicates, scaffolds, leakage between splits')
    .option('--output <file>', 'write the card as Markdown to a file')
    .addOption(new Option('--seed <number>', 'of the random folds').argParser(Number).default(1))
    .action(card);
  data
    .command('prepare')
    .description('make or migrate the bucket, tables and files that the settings name; safe to repeat')
    .option('--dry-run', 'say what would change')
    .action(prepare);
}
