import type { Command } from 'commander';
import type { Interval } from '../../../contracts';
import type { ModelDiff } from '../../../tracking';
import { verb } from '../../context';
import { storedModel } from '../../models/stored-model';
import { withPorts } from '../../ports';
import { facts, formatNumber, table } from '../../table';

const withInterval = (figure: { value: number; interval: Interval | null } | null) =>
  figure &&
  `${formatNumber(figure.value)}${figure.interval ? ` (${figure.interval.map(formatNumber).join(' to ')})` : ''}`;

function describe({ from, to, settings, labels, metrics }: ModelDiff & { from: string; to: string }): string {
  const head = facts([
    ['from', from],
    ['to', to],
    [
      'labels',
      `${labels.from} to ${labels.to}: +${labels.gained} -${labels.lost}, ${labels.changed} with another value`,
    ],
  ]);
  const figures = table(
    ['held out (95 % interval)', 'before', 'after'],
    metrics.map((figure) => [figure.name, withInterval(figure.from), withInterval(figure.to)]),
  );
  const made = table(
    ['made differently', 'before', 'after'],
    settings.map((change) => [change.what, change.from, change.to]),
    'made in the same way',
  );
  const examples = labels.examples.length
    ? `\n\n${table(
        ['', 'SMILES', 'before', 'after'],
        labels.examples.map((label) => [
          label.from === null ? '+' : label.to === null ? '-' : '~',
          label.smiles,
          label.from,
          label.to,
        ]),
      )}`
    : '';
  return `${head}\n\n${figures}\n\n${made}${examples}`;
}

const diff = verb<[string, string], { limit: string }>(async (cli, { limit }, from, to) => {
  await withPorts(cli.settings, async (ports) => {
    const { diffModels } = await import('../../../tracking');
    const [before, after] = [await storedModel(ports, from), await storedModel(ports, to)];
    const found = await diffModels(before, after, Number(limit));
    cli.result({ from: before.name, to: after.name, ...found }, describe);
  });
});

export function diffVerb(models: Command): void {
  models
    .command('diff <from> <to>')
    .description('what changed between two models: settings, features, data, figures')
    .option('--limit <number>', 'examples of each kind of changed label', '10')
    .action(diff);
}
