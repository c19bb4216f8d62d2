import type { Command } from 'commander';
import { TitrateError, type ModelCard } from '../../../contracts';
import { verb } from '../../context';
import { withPorts } from '../../ports';
import { formatNumber, table } from '../../table';

interface Listed {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Aliases of these that somebody holds where they are. */
  readonly held: readonly string[];
  readonly card: ModelCard;
}

const list = verb<[string | undefined], object>(async (cli, _options, only) => {
  await withPorts(cli.settings, async ({ registry }) => {
    const known = await registry.campaigns();
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
        (await registry.aliases(campaignId)).map(async (alias) => ({
          alias,
          head: (await registry.aliasMoves(campaignId, alias)).at(-1),
        })),
      );
      for (const version of await registry.versions(campaignId)) {
        const own = heads.filter(({ head }) => head?.version === version.id);
        models.push({
          id: version.id,
          aliases: own.map(({ alias }) => alias),
          held: own.filter(({ head }) => head!.held).map(({ alias }) => alias),
          card: await registry.card(version),
        });
      }
    }
    cli.result(models, (rows) =>
      table(
        ['model', 'aliases', 'property', 'family', 'labels', 'held-out RMSE', 'coverage 90 %', 'backend'],
        rows.map(({ id, aliases, held, card }) => [
          id,
          aliases.map((alias) => (held.includes(alias) ? `${alias} (held)` : alias)).join(', ') || null,
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

export function listVerb(models: Command): void {
  models.command('list [campaign]').description('all versions, or those of one campaign').action(list);
}
