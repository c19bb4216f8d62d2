import { randomUUID } from 'node:crypto';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { TitrateError } from '../../../contracts';
import { verb } from '../../context';
import { withPorts } from '../../ports';
import { facts, table } from '../../table';
import { addAuthorOptions, authorship, type AuthorOptions } from '../../authorship';

const operation = () => `cli/${randomUUID()}`;

const rollback = verb<[string], AuthorOptions & { to: string; dryRun?: boolean }>(
  async (cli, options, dataset) => {
    await withPorts(cli.settings, async ({ datasets }) => {
      const from = await datasets.resolve(dataset);
      const target = await datasets.resolve(
        /^data_|@/.test(options.to) ? options.to : `${dataset}@${options.to}`,
      );
      if (options.dryRun) {
        const { rows, molecules } = await datasets.diff(from, target, 0);
        cli.result({ dryRun: true, dataset, from: from.id, to: target.id, rows, molecules }, (d) =>
          facts([
            ['from', d.from],
            ['to', d.to],
            ['rows', `+${d.rows.added} -${d.rows.removed}`],
            ['molecules', `+${d.molecules.added} -${d.molecules.removed}`],
          ]),
        );
        cli.say('nothing was moved');
        return;
      }
      const moved = await datasets.rollback(dataset, target.id, {
        operationId: operation(),
        ...authorship(options, `rollback to ${options.to}`),
      });
      cli.result(
        { dataset, from: from.id, to: moved.target, number: moved.number, at: moved.at },
        (m) => m.to,
      );
      cli.say(
        `${dataset} is now ${moved.target}; nothing was deleted, and the same verb takes it back to ${from.id}`,
      );
    });
  },
);

const tag = verb<[string, string], AuthorOptions & { delete?: boolean }>(
  async (cli, options, reference, name) => {
    await withPorts(cli.settings, async ({ datasets }) => {
      const version = await datasets.resolve(reference);
      const by = {
        operationId: operation(),
        ...authorship(options, options.delete ? 'tag removed' : 'tagged'),
      };
      if (options.delete) await datasets.untag(version.dataset, name, by);
      else await datasets.tag(version.dataset, name, version.id, by);
      cli.result({ dataset: version.dataset, tag: name, version: options.delete ? null : version.id }, (t) =>
        t.version ? `${t.dataset}@${t.tag}` : '',
      );
    });
  },
);

const DAY_MS = 24 * 3600 * 1000;

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

interface PruneOptions extends AuthorOptions {
  readonly keep: number;
  readonly olderThan: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const prune = verb<[string | undefined], PruneOptions>(async (cli, options, dataset) => {
  if (!options.dryRun && !options.yes) {
    throw new TitrateError('usage', {
      what: 'prune deletes bytes for good',
      remedy: 'Look with --dry-run first, then repeat with --yes',
    });
  }
  if (cli.settings.objects.store === 'gcs' && options.olderThan < 1) {
    throw new TitrateError('usage', {
      what: 'what others store at this moment in the bucket would not be spared',
      where: '--older-than 0',
      remedy: 'Give at least one day',
    });
  }
  await withPorts(cli.settings, async ({ datasets }) => {
    const report = await datasets.prune({
      dataset,
      keep: options.keep,
      olderThanMs: options.olderThan * DAY_MS,
      landingsOlderThanMs: cli.settings.objects.landingDays * DAY_MS,
      dryRun: options.dryRun ?? false,
      ...authorship(options, 'prune'),
    });
    cli.result({ dryRun: options.dryRun ?? false, ...report }, (r) => {
      const numbers = facts([
        ['versions', r.versions.length],
        ['objects', r.objects],
        ['bytes', r.bytes],
        ['landings', r.landings],
      ]);
      const kept = table(
        ['kept', 'because'],
        r.kept.map(({ id, because }) => [id, because]),
        'no version was kept',
      );
      return `${r.versions.map((id) => `${r.dryRun ? 'would prune' : 'pruned'} ${id}\n`).join('')}${numbers}\n\n${kept}`;
    });
    if (options.dryRun) cli.say('nothing was deleted');
  });
});

export function moveVerbs(data: Command): void {
  addAuthorOptions(
    data
      .command('rollback <dataset>')
      .description("move a dataset's head to another of its versions, earlier or later; nothing is deleted")
      .requiredOption('--to <version>', "'data_…', a tag, or the number of an entry of its history")
      .option('--dry-run', 'say what would change'),
  ).action(rollback);
  addAuthorOptions(
    data
      .command('tag <version> <tag>')
      .description('give a version a name; it is then spared by prune')
      .option('--delete', 'take the name away'),
  ).action(tag);
  addAuthorOptions(
    data
      .command('prune [dataset]')
      .description(
        'delete the bytes of versions (of one dataset, or of all) that nothing needs any more, whatever else nothing refers to, and landings past their time',
      )
      .addOption(
        new Option('--keep <number>', 'newest versions of each dataset that stay')
          .argParser(wholeNumber)
          .default(5),
      )
      .addOption(
        new Option('--older-than <days>', 'younger versions and objects stay')
          .argParser(wholeNumber)
          .default(30),
      )
      .option('--dry-run', 'say what would go')
      .option('--yes', 'delete'),
  ).action(prune);
}
