import type { Command } from 'commander';
import { TitrateError } from '../../contracts';
import { verb } from '../context';

const PARTS = ['temporal', 'storage'] as const;

const prepare = verb<[string | undefined], { dryRun?: boolean }>(async (cli, { dryRun = false }, part) => {
  if (part !== undefined && !(PARTS as readonly string[]).includes(part))
    throw new TitrateError('usage', {
      what: `'${part}' is no part`,
      remedy: `There are ${PARTS.join(' and ')}`,
    });
  const wanted = (name: (typeof PARTS)[number]) => part === undefined || part === name;
  const { prepareStorage } = await import('../../platform/prepare');
  const { prepareTemporal } = await import('../../platform/prepare-temporal');
  const changes = [
    ...(wanted('temporal') ? await prepareTemporal(cli.settings, { dryRun }) : []),
    ...(wanted('storage') ? await prepareStorage(cli.settings, { dryRun }) : []),
  ];
  cli.result({ dryRun, changes }, (made) =>
    made.changes.map((one) => `${one.part}: ${one.change}`).join('\n'),
  );
  cli.say(changes.length === 0 ? 'everything is there' : dryRun ? 'nothing was changed' : 'done');
});

/** `titrate prepare`: what a campaign needs on servers elsewhere, made once, safe to repeat. */
export function prepareVerb(program: Command): void {
  program
    .command('prepare')
    .description(
      'make or reconcile what the settings name: namespace, retention and search attributes of Temporal; bucket and tables',
    )
    .argument('[part]', PARTS.join(' or '))
    .option('--dry-run', 'say what would be done')
    .action(prepare);
}
