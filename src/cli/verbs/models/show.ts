import type { Command } from 'commander';
import { featurizerName, type TrainedCard } from '../../../contracts';
import { writeFileAtomic } from '../../../foundation';
import type { AliasMove } from '../../../tracking';
import type { ModelUploadEvent } from '../../../training';
import { verb } from '../../context';
import { storedModel } from '../../models/stored-model';
import { withPorts } from '../../ports';
import { facts, formatNumber, table } from '../../table';

interface Moved extends AliasMove {
  readonly alias: string;
}

const percent = (share: number) => `${formatNumber(100 * share)} %`;

/** What holds now, for each place it was uploaded to. */
function uploadFacts(uploads: readonly ModelUploadEvent[]): [string, string][] {
  const places = [...new Set(uploads.map(({ place }) => place))];
  return places.map((at) => {
    const last = uploads.findLast(({ place }) => place === at)!;
    const when = last.at.replace('T', ' ').slice(0, 19);
    return last.kind === 'uploaded'
      ? ['uploaded to', `${last.name}, version ${last.versionId}, at ${when} by ${last.author}`]
      : ['not uploaded', `${at}, at ${when}: ${last.message}`];
  });
}

interface Known {
  readonly moves: readonly Moved[];
  readonly uploads: readonly ModelUploadEvent[];
}

async function describe(name: string, card: TrainedCard, { moves, uploads }: Known): Promise<string> {
  const { figuresOf } = await import('../../../tracking');
  const unit = card.unit ? ` ${card.unit}` : '';
  const { runtime } = card;
  const known = facts([
    ['model', name],
    ['property', `${card.property}${card.unit ? `, ${card.unit}` : ''}`],
    ['family', card.family],
    ['settings', JSON.stringify(card.settings)],
    ['features', featurizerName(card.featurizer)],
    ['trained in round', card.round],
    ['labels', card.labels],
    ['held out', `${card.metrics.n} molecules`],
    ...figuresOf(card.metrics).map(({ name: figure, value, interval, inUnit }): [string, string] => [
      figure,
      `${formatNumber(value)}${inUnit ? unit : ''}${interval ? ` (95 %: ${formatNumber(interval[0])} to ${formatNumber(interval[1])})` : ''}`,
    ]),
    [
      'calibration',
      card.task === 'classification'
        ? `logit times ${formatNumber(card.calibration.slope)} plus ${formatNumber(card.calibration.intercept)}`
        : `deviation times ${formatNumber(card.calibration.scale)}: the 90 % interval held ${percent(card.calibration.coverage90Before)} before, ${percent(card.calibration.coverage90After)} after`,
    ],
    [
      'runtime',
      `${runtime.backend} ${runtime.backendVersion}, RDKit ${runtime.rdkit}, Node ${runtime.node}, ${runtime.cpu}`,
    ],
    ['titrate', card.code],
    ['seed', card.seed],
    ['data version', card.dataVersion],
    ['cut', card.cutId],
    ['weights (sha256)', card.weights.sha256],
    ['training table (sha256)', card.training.sha256],
    ...uploadFacts(uploads),
  ]);
  if (!moves.length) return known;
  const history = table(
    ['alias', 'move', 'at', 'from', 'to', '', 'by', 'why'],
    moves.map(({ alias, number, at, previous, version, held, author, reason }) => [
      alias,
      number,
      at.replace('T', ' ').slice(0, 19),
      previous,
      version,
      held ? 'held' : null,
      author,
      reason,
    ]),
  );
  return `${known}\n\n${history}`;
}

const show = verb<[string], { output?: string }>(async (cli, options, name) => {
  await withPorts(cli.settings, async (ports) => {
    const { registry, objects } = ports;
    const { renderModelCard } = await import('../../../tracking');
    const { modelUploadsOf } = await import('../../../training');
    const model = await storedModel(ports, name);
    const { card, version, directory } = model;
    const moves: Moved[] = [];
    if (directory === null) {
      for (const alias of await registry.aliases(card.campaignId))
        for (const move of await registry.aliasMoves(card.campaignId, alias))
          if (move.version === version.id || move.previous === version.id) moves.push({ alias, ...move });
    }
    const uploads = directory === null ? await modelUploadsOf(objects, version) : [];
    if (options.output !== undefined) {
      await writeFileAtomic(options.output, renderModelCard(card, model.name));
      cli.result({ ...version, card, moves, uploads, file: options.output }, () => options.output!);
      return;
    }
    const text = await describe(model.name, card, { moves, uploads });
    cli.result({ ...version, card, moves, uploads }, () => text);
  });
});

export function showVerb(models: Command): void {
  models
    .command('show <name>')
    .description(
      "one version, the moves of aliases to and from it, and where it was uploaded: 'solubility-42/v3', 'solubility-42@production', or a model directory",
    )
    .option('--output <file>', 'write the model card as a document (Markdown)')
    .action(show);
}
