import { InvalidArgumentError, type Command } from 'commander';
import {
  propertiesOf,
  SIGNALS,
  UPDATES,
  type BatchSheet,
  type LabResult,
  type Receipt,
} from '../../contracts';
import { withCampaign, withClient } from '../connect';
import { verb } from '../context';
import { readResultsFile, type ResultRow } from '../lab/results-file';
import { DEFAULT_HABITS, runLabSimulator } from '../lab/simulator';
import { valueColumnsOf } from '../lab/wide-columns';
import { createProgress } from '../progress';
import { withPorts } from '../ports';
import { table } from '../table';
import { untilAsked } from './up';

/** Rows a message: well under the 2,000 the contract allows and the 2 MB Temporal takes. */
const ROWS_PER_MESSAGE = 500;

interface RowReceipt extends Receipt {
  readonly line: number;
}

const rejected = ({ line, resultId, problem }: ResultRow): RowReceipt => ({
  line,
  resultId: resultId ?? '',
  status: 'rejected',
  message: problem!,
});

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

interface SubmitOptions {
  readonly signal?: boolean;
  readonly valueColumn?: string[];
}

const submit = verb<[string, string], SubmitOptions>(async (cli, options, campaignId, file) => {
  const columns = valueColumnsOf(options.valueColumn ?? []);
  const { rows, empty, ignoredColumns, derivedIds } = readResultsFile(file, columns);
  if (ignoredColumns.length)
    cli.say(`columns without a place in a result, not sent: ${ignoredColumns.join(', ')}`);
  if (empty) cli.say(`${empty} rows without value and outcome, not sent`);
  if (derivedIds) cli.say(`${derivedIds} rows without resultId: one was made from each row's content`);
  const good = rows.filter((row): row is ResultRow & { result: LabResult } => row.result !== null);
  const bad = rows.filter((row) => row.result === null).map(rejected);
  const progress = createProgress('results', good.length);
  const receipts: RowReceipt[] = [];
  let sent = 0;
  await withCampaign(cli, campaignId, async (handle) => {
    for (const chunk of chunks(good, ROWS_PER_MESSAGE)) {
      const message = { results: chunk.map(({ result }) => result) };
      if (options.signal) await handle.signal(SIGNALS.labResults, message);
      else {
        const answer = await handle.executeUpdate<{ receipts: Receipt[] }, [object]>(UPDATES.submitResults, {
          args: [message],
        });
        receipts.push(...answer.receipts.map((receipt, i) => ({ ...receipt, line: chunk[i]!.line })));
      }
      progress.update((sent += chunk.length));
    }
  }).finally(() => progress.stop());

  const all = [...receipts, ...bad].sort((a, b) => a.line - b.line);
  const count = (status: Receipt['status']) => all.filter((receipt) => receipt.status === status).length;
  if (options.signal) cli.result({ sent, rejected: bad.length, receipts: bad }, () => '');
  else
    cli.result(
      {
        accepted: count('accepted'),
        duplicates: count('duplicate'),
        rejected: count('rejected'),
        receipts: all,
      },
      () => '',
    );
  const remarkable = all.filter(({ status }) => status !== 'accepted');
  if (!cli.json && remarkable.length) {
    process.stdout.write(
      `${table(
        ['line', 'resultId', 'status', 'why'],
        remarkable.map((r) => [r.line, r.resultId, r.status, r.message]),
      )}\n`,
    );
  }
  cli.say(
    options.signal
      ? `${sent} results sent, ${bad.length} rejected before sending; what became of them: titrate campaign status ${campaignId}`
      : `${count('accepted')} accepted, ${count('duplicate')} duplicates, ${count('rejected')} rejected`,
  );
  return count('rejected') > 0 ? 1 : 0;
});

interface SimulateOptions {
  readonly truth: string[];
  readonly seed: number;
  readonly late: number;
  readonly failed: number;
  readonly missing: number;
  readonly messages: number;
  readonly duplicate: boolean;
  readonly correction: boolean;
}

const simulate = verb<[string], SimulateOptions>(async (cli, options, campaignId) => {
  const { abort } = untilAsked();
  return withPorts(cli.settings, async (ports) => {
    const { readTruths, truthFilesOf } = await import('../lab/truth');
    const { config } = await ports.log.read(campaignId);
    const files = truthFilesOf(
      options.truth,
      propertiesOf(config.objective).map(({ property }) => property),
      cli.settings.workingDirectory,
    );
    const [truth, ...others] = await readTruths(files, { chemistry: ports.chemistry(), ...config.pool });
    cli.say(`laboratory: knows ${truth!.values.size} molecules`);
    for (const { property, values } of others) cli.say(`laboratory: knows ${property} of ${values.size}`);
    const simulation = await withClient(cli, (client) =>
      runLabSimulator({
        client,
        campaignId,
        truth: truth!.values,
        further: new Map(others.map(({ property, values }) => [property, values])),
        loadSheet: async (sha256) =>
          JSON.parse((await ports.objects.get({ sha256 })).toString('utf8')) as BatchSheet,
        seed: options.seed,
        lateShare: options.late,
        failedShare: options.failed,
        missingShare: options.missing,
        messages: options.messages,
        duplicate: options.duplicate,
        correction: options.correction,
        signal: abort,
        say: cli.say,
      }),
    );
    cli.result(simulation, (s) => `${s.results} results in ${s.messages} messages for ${s.batches} batches`);
  });
});

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected a share from 0 to 1.');
  return value;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** `titrate results …`. */
export function resultsVerbs(program: Command): void {
  const results = program.command('results').description('what the lab found');
  results
    .command('submit <campaign> <file>')
    .description('post results from a CSV, JSON or NDJSON file, with a receipt for each row')
    .option('--signal', 'send and do not wait for receipts')
    .option(
      '--value-column <property=column>',
      "a table's column with the values of a property, where there are several; may be given several times",
      collect,
    )
    .action(submit);
  results
    .command('simulate <campaign>')
    .description('play the laboratory with known values until the campaign ends')
    .requiredOption(
      '--truth <file[:column]>',
      'a CSV or SDF file with the values, in the columns of their names or in the named one (FILE:PROPERTY=COLUMN for one of several); may be given several times',
      collect,
    )
    .option('--seed <number>', 'seed of what fails and what is late', whole, DEFAULT_HABITS.seed)
    .option(
      '--late <share>',
      'share of a batch that comes back after the next round has started',
      share,
      DEFAULT_HABITS.lateShare,
    )
    .option('--failed <share>', 'share of a batch whose assay fails', share, DEFAULT_HABITS.failedShare)
    .option(
      '--missing <share>',
      'of several properties, share of the values beside the first that come to nothing',
      share,
      DEFAULT_HABITS.missingShare,
    )
    .option(
      '--messages <number>',
      "messages that a batch's results are spread over",
      whole,
      DEFAULT_HABITS.messages,
    )
    .option('--no-duplicate', 'do not post one result of each batch twice')
    .option('--no-correction', 'do not correct one result of each batch')
    .action(simulate);
}
