import type { Command } from 'commander';
import { featurizerName, TitrateError, type ModelCard, type ModelVersion } from '../../contracts';
import { verb } from '../context';
import { withPorts } from '../ports';
import { facts, formatNumber, table } from '../table';

const ALIASES = ['production', 'candidate'] as const;

interface Listed {
  readonly id: string;
  readonly aliases: string[];
  readonly card: ModelCard;
}

const list = verb<[string | undefined], object>(async (cli, _options, only) => {
  return withPorts(cli.settings, async (ports) => {
    const known = await ports.registry.campaigns();
    if (only && !known.includes(only)) {
      throw new TitrateError('not-found', {
        what: `campaign '${only}' has no models here`,
        where: cli.settings.home,
        remedy: known.length ? `Campaigns with models: ${known.join(', ')}` : undefined,
      });
    }
    const models: Listed[] = [];
    for (const campaignId of only ? [only] : known) {
      const heads = await Promise.all(
        ALIASES.map(async (alias) => ({ alias, version: await ports.registry.alias(campaignId, alias) })),
      );
      for (const version of await ports.registry.versions(campaignId)) {
        const aliases = heads.filter((head) => head.version?.id === version.id).map(({ alias }) => alias);
        models.push({ id: version.id, aliases, card: await ports.registry.card(version) });
      }
    }
    cli.result(models, (rows) =>
      table(
        ['model', 'aliases', 'property', 'family', 'labels', 'held-out RMSE', 'coverage 90 %', 'backend'],
        rows.map(({ id, aliases, card }) => [
          id,
          aliases.join(', ') || null,
          card.property,
          card.family,
          card.labels,
          formatNumber(card.metrics.rmse),
          formatNumber(card.metrics.coverage90),
          card.runtime.backend,
        ]),
        'no models',
      ),
    );
  });
});

function describe(version: ModelVersion, card: ModelCard): string {
  const unit = card.unit ? ` ${card.unit}` : '';
  return facts([
    ['model', version.id],
    ['property', `${card.property}${card.unit ? `, ${card.unit}` : ''}`],
    ['family', card.family],
    ['settings', JSON.stringify(card.settings)],
    ['features', featurizerName(card.featurizer)],
    ['trained in round', card.round],
    ['labels', card.labels],
    ['held-out RMSE', `${formatNumber(card.metrics.rmse)}${unit}`],
    ['held-out MAE', `${formatNumber(card.metrics.mae)}${unit}`],
    ['held-out R²', card.metrics.r2],
    ['rank correlation', card.metrics.spearman],
    [
      'coverage of the 90 % interval',
      `${formatNumber(card.calibration.coverage90After)} (before calibration ${formatNumber(card.calibration.coverage90Before)}, scale ${formatNumber(card.calibration.scale)})`,
    ],
    [
      'runtime',
      `${card.runtime.backend} ${card.runtime.backendVersion}, RDKit ${card.runtime.rdkit}, Node ${card.runtime.node}, ${card.runtime.cpu}`,
    ],
    ['seed', card.seed],
    ['data version', card.dataVersion],
    ['cut', card.cutId],
    ['weights (sha256)', card.weights.sha256],
    ['training table (sha256)', card.training.sha256],
  ]);
}

const show = verb<[string], object>(async (cli, _options, name) => {
  return withPorts(cli.settings, async (ports) => {
    const version = await ports.registry.resolve(name);
    const card = await ports.registry.card(version);
    cli.result({ ...version, card }, () => describe(version, card));
  });
});

/** `titrate models …`: from the registry in the home directory; no server is needed. */
export function modelsVerbs(program: Command): void {
  const models = program.command('models').description('registered model versions');
  models.command('list [campaign]').description('all versions, or those of one campaign').action(list);
  models
    .command('show <name>')
    .description("one version: 'solubility-42/v3', or 'solubility-42@production'")
    .action(show);
}
