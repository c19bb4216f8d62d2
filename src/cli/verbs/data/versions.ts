import type { Command } from 'commander';
import { TitrateError, type DatasetVersion } from '../../../contracts';
import type { DatasetListing } from '../../../datasets';
import { verb } from '../../context';
import { withPorts } from '../../ports';
import { facts, table } from '../../table';

const day = (at: string) => at.replace('T', ' ').slice(0, 19);

interface Listed extends DatasetListing {
  readonly dataset: string;
}

const versions = verb<[string | undefined], object>(async (cli, _options, only) => {
  await withPorts(cli.settings, async ({ datasets }) => {
    const names = await datasets.names();
    if (only !== undefined && !names.includes(only)) {
      throw new TitrateError('not-found', {
        what: `there is no dataset '${only}'`,
        where: cli.settings.home,
        remedy: names.length ? `Datasets here: ${names.join(', ')}` : 'Make one with titrate data ingest',
      });
    }
    const listed: Listed[] = [];
    for (const dataset of only === undefined ? names : [only])
      for (const listing of await datasets.list(dataset)) listed.push({ dataset, ...listing });
    cli.result(listed, (rows) =>
      table(
        ['dataset', 'version', '', 'made', 'by', 'molecules', 'rows', 'quarantined', 'tags', 'why'],
        rows.map(({ dataset, version, isHead, tags, pruned }) => [
          dataset,
          version.id,
          pruned ? 'pruned' : isHead ? 'head' : null,
          day(version.createdAt),
          version.author,
          version.molecules,
          version.acceptedRows,
          version.quarantinedRows,
          tags.join(', ') || null,
          version.reason,
        ]),
        'no datasets: make one with titrate data ingest',
      ),
    );
  });
});

function describe(version: DatasetVersion): string {
  const head = facts([
    ['version', version.id],
    ['dataset', version.dataset],
    ['parent', version.parent],
    ['made', `${day(version.createdAt)} by ${version.author}: ${version.reason}`],
    ['rules', `${version.schema}, ${version.ruleSet}`],
    ['molecules', version.molecules],
    ['accepted rows', version.acceptedRows],
    ['duplicates', version.duplicateRows],
    ['measured rows', version.measuredRows],
    ['quarantined rows', version.quarantinedRows],
    ['shards', version.shards.length],
    ['rows (sha256)', version.rowsSha256],
    ['Parquet (sha256)', version.rows.sha256],
  ]);
  const sources = table(
    ['source', 'accepted', 'quarantined', 'read as', 'sha256'],
    version.sources.map(({ name, accepted, quarantined, reading, sha256 }) => [
      name,
      accepted,
      quarantined,
      reading
        ? [reading.format, reading.encoding, reading.compression === 'none' ? null : reading.compression]
            .filter(Boolean)
            .join(', ')
        : null,
      sha256,
    ]),
  );
  return `${head}\n\n${sources}`;
}

const show = verb<[string], object>(async (cli, _options, reference) => {
  await withPorts(cli.settings, async ({ datasets }) => {
    const version = await datasets.resolve(reference);
    const history = await datasets.history(version.dataset);
    cli.result({ ...version, history }, () => {
      const moves = table(
        ['entry', 'head moved', 'to', 'by', 'why'],
        history.map(({ number, at, target, author, reason }) => [
          `@${number}`,
          day(at),
          target,
          author,
          reason,
        ]),
      );
      return `${describe(version)}\n\n${moves}`;
    });
  });
});

const diff = verb<[string, string], { limit: string }>(async (cli, { limit }, from, to) => {
  await withPorts(cli.settings, async ({ datasets }) => {
    const found = await datasets.diff(
      await datasets.resolve(from),
      await datasets.resolve(to),
      Number(limit),
    );
    cli.result(found, (d) => {
      const numbers = facts([
        ['from', d.from],
        ['to', d.to],
        ['rows', `+${d.rows.added} -${d.rows.removed}`],
        ['molecules', `+${d.molecules.added} -${d.molecules.removed}`],
        ['values changed', d.changedValues],
        ['sources added', d.sources.added.join(', ')],
        ['sources removed', d.sources.removed.join(', ')],
        ['sources changed', d.sources.changed.join(', ')],
      ]);
      const rows = [
        ...d.examples.added.map((m) => ['+', m.smiles, null, m.value]),
        ...d.examples.removed.map((m) => ['-', m.smiles, m.value, null]),
        ...d.examples.changed.map((m) => ['~', m.smiles, m.before, m.after]),
      ];
      return rows.length ? `${numbers}\n\n${table(['', 'SMILES', 'before', 'after'], rows)}` : numbers;
    });
  });
});

export function versionVerbs(data: Command): void {
  data.command('versions [dataset]').description('versions of all datasets, or of one').action(versions);
  data
    .command('show <version>')
    .description(
      "one version: 'data_…', 'name' (its head), 'name@tag', 'name@3' (third entry of its history)",
    )
    .action(show);
  data
    .command('diff <from> <to>')
    .description('what changed between two versions')
    .option('--limit <number>', 'examples of each kind', '10')
    .action(diff);
}
