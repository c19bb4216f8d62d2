import { Option, type Command } from 'commander';
import { QUERIES, TitrateError, type BatchSheet, type CurrentBatch } from '../../contracts';
import { writeFileAtomic } from '../../foundation';
import { soon, withCampaign } from '../connect';
import { verb, type Cli } from '../context';
import { sheetToCsv } from '../lab/sheet';
import { withPorts } from '../ports';
import { facts, formatNumber, table } from '../table';

interface RoundOption {
  readonly round?: string;
}

/** The sheet of the batch that is out now, or of a finished round from the campaign's own records. @throws not-found */
async function readSheet(
  cli: Cli,
  campaignId: string,
  { round }: RoundOption,
): Promise<{ sheet: BatchSheet; approved: boolean | null }> {
  return withPorts(cli.settings, async (ports) => {
    const fetch = async (ref: { sha256: string }) =>
      JSON.parse((await ports.objects.get(ref)).toString('utf8')) as BatchSheet;
    if (round !== undefined) {
      const record = await ports.log.read(campaignId);
      const found = record.rounds.find(({ summary }) => String(summary.round) === round);
      if (!found?.sheet) {
        const known = record.rounds.filter(({ sheet }) => sheet).map(({ summary }) => summary.round);
        throw new TitrateError('not-found', {
          what: `round ${round} has no batch`,
          where: campaignId,
          remedy: `Rounds with a batch: ${known.join(', ') || 'none'}`,
        });
      }
      return { sheet: await fetch(found.sheet), approved: null };
    }
    const current = await withCampaign(cli, campaignId, (handle, client) =>
      soon(client, () => handle.query<CurrentBatch>(QUERIES.currentBatch)),
    );
    const sheet = current.sheet ?? (current.ref && (await fetch(current.ref)));
    if (!sheet)
      throw new TitrateError('not-found', {
        what: 'no batch is out now',
        where: campaignId,
        remedy: 'Earlier batches: --round N',
      });
    return { sheet, approved: current.approved };
  });
}

/** The decision that the batch was sealed with; null of batches from before decisions were kept. */
function chosenBy({ rule }: BatchSheet): string | null {
  const decision = rule.decision as { name: string; why: string } | undefined;
  return decision ? `${decision.name}. ${decision.why}` : null;
}

const predictionOf = ({
  predicted,
  standardDeviation = 0,
}: Pick<BatchSheet['picks'][number], 'predicted' | 'standardDeviation'>) =>
  predicted === undefined ? null : `${formatNumber(predicted)} ± ${formatNumber(standardDeviation)}`;

const show = verb<[string], RoundOption>(async (cli, options, campaignId) => {
  const { sheet, approved } = await readSheet(cli, campaignId, options);
  cli.result({ ...sheet, approved }, () => {
    const head = facts([
      ['batch', sheet.batchId],
      [
        'property',
        [sheet, ...(sheet.others ?? [])]
          .map(({ direction, property, unit }) => `${direction} ${property}${unit ? `, ${unit}` : ''}`)
          .join('; '),
      ],
      ['model', sheet.modelVersion ?? 'none yet'],
      ['chosen by', chosenBy(sheet)],
      ['data version', sheet.dataVersion],
      ['seal', sheet.seal],
      ['approved', approved === null ? null : approved ? 'yes' : 'no, waits for: titrate campaign approve'],
    ]);
    const rows = sheet.picks.map((p) => [
      p.rank,
      p.compoundId,
      p.smiles,
      predictionOf(p),
      ...(sheet.others ?? []).map(({ property }) =>
        predictionOf(p.others?.find((other) => other.property === property) ?? {}),
      ),
      p.reason,
    ]);
    const predicted = sheet.others
      ? [sheet, ...sheet.others].map(({ property }) => `predicted ${property}`)
      : ['predicted'];
    const passed = sheet.passedOver ?? [];
    const next = passed.length
      ? `\n\npassed over:\n${table(
          ['SMILES', 'why not'],
          passed.map(({ smiles, why }) => [smiles, why]),
        )}`
      : '';
    return `${head}\n\n${table(['rank', 'compound', 'SMILES', ...predicted, 'why'], rows)}${next}`;
  });
});

interface ExportOptions extends RoundOption {
  readonly format: 'csv' | 'json';
  readonly output?: string;
}

const exportSheet = verb<[string], ExportOptions>(async (cli, options, campaignId) => {
  const { sheet } = await readSheet(cli, campaignId, options);
  const text = options.format === 'csv' ? sheetToCsv(sheet) : `${JSON.stringify(sheet, null, 2)}\n`;
  const told = { batchId: sheet.batchId, picks: sheet.picks.length, seal: sheet.seal };
  if (options.output) {
    await writeFileAtomic(options.output, text);
    cli.result({ ...told, file: options.output }, ({ file }) => file);
  } else {
    cli.result(options.format === 'json' ? sheet : { ...told, csv: text }, () => text);
  }
});

/** `titrate batch …`. */
export function batchVerbs(program: Command): void {
  const batch = program.command('batch').description('the batch that is out with the lab');
  batch
    .command('show <campaign>')
    .description('the picks of the current batch, with the reason for each')
    .option('--round <number>', 'the batch of an earlier round')
    .action(show);
  batch
    .command('export <campaign>')
    .description('the batch as a sheet for the lab')
    .addOption(
      new Option('--format <format>', 'csv (fill in value and outcome, then: titrate results submit) or json')
        .choices(['csv', 'json'])
        .default('csv'),
    )
    .option('--round <number>', 'the batch of an earlier round')
    .option('--output <file>', 'write to a file')
    .action(exportSheet);
}
