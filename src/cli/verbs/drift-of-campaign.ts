import type { Command } from 'commander';
import {
  driftWatchId,
  UPDATES,
  WORKFLOWS,
  type DecideDrift,
  type DriftActionRecord,
  type DriftLookRecord,
  type DriftRecord,
  type DriftWatchInput,
  type DriftWatchOutput,
} from '../../contracts';
import { writeFileAtomic } from '../../foundation';
import { addAuthorOptions, authorship, type AuthorOptions } from '../authorship';
import { withCampaign, withClient } from '../connect';
import { verb } from '../context';
import type { CorrectionsOfDoubt } from '../drift/corrections';
import { withPorts } from '../ports';
import { facts, formatNumber, table } from '../table';

/** What `titrate drift status --json` prints. */
export interface DriftStatus {
  readonly campaignId: string;
  readonly looks: readonly (Pick<DriftLookRecord, 'id' | 'at' | 'stream'> & {
    readonly verdict: string;
    readonly cause: string | null;
    readonly sentence: string | null;
    readonly rows: number;
    readonly model: string | null;
  })[];
  readonly actions: readonly (DriftActionRecord & {
    readonly note: string;
    readonly approved: boolean;
    readonly model: string | null;
    readonly controls: DriftRecord['actions'][number]['controls'];
    readonly found: DriftRecord['actions'][number]['found'];
  })[];
}

/** Looks shown in a terminal; the JSON has all of them. */
const SHOWN_LOOKS = 20;

export function driftStatusOf(campaignId: string, { looks, actions }: DriftRecord): DriftStatus {
  return {
    campaignId,
    looks: looks.map(({ record: { id, at, stream, look, figures }, model }) => ({
      ...{ id, at, stream, model, verdict: look.verdict, rows: figures.rows },
      cause: look.diagnosis && (look.diagnosis.of ?? look.diagnosis.cause),
      sentence: look.diagnosis?.sentence ?? null,
    })),
    actions: actions.map(({ record, note, approved, model, controls, found }) => ({
      ...record,
      ...{ note, approved, model, controls, found },
    })),
  };
}

const day = (at: string) => at.slice(0, 16).replace('T', ' ');

function describe({ campaignId, looks, actions }: DriftStatus): string {
  const waiting = actions.filter(({ state, approved }) => state === 'waiting' && !approved);
  const seen = looks
    .slice(-SHOWN_LOOKS)
    .map((look) => [
      ...[day(look.at), look.id, look.model, look.rows, look.verdict],
      look.cause ? `${look.cause}: ${look.sentence}` : null,
    ]);
  const taken = actions.flatMap(({ id, action, state, effect, note, effectSentence, found }) => [
    [id, action, state, state === 'done' ? effect : null, note],
    ...(state === 'done' && effectSentence ? [[null, null, null, null, effectSentence]] : []),
    ...(found ? [[null, null, null, null, found.sentence]] : []),
  ]);
  return [
    table(
      ['when', 'look', 'model', 'rows', 'verdict', 'what it looks like'],
      seen,
      'nothing was looked at yet',
    ),
    table(['action', 'what', 'state', 'effect', 'what came of it'], taken, 'nothing had to be done'),
    ...(waiting.length
      ? [`${waiting.length} wait for somebody: titrate drift approve ${campaignId} ID, or dismiss`]
      : []),
    ...(actions.some(({ found }) => found?.decision === 'correct' || found?.decision === 'exclude')
      ? [`what would put those values right: titrate drift corrections ${campaignId} ID --output FILE`]
      : []),
  ].join('\n\n');
}

const status = verb<[string], object>((cli, _options, campaignId) =>
  withPorts(cli.settings, async (ports) => {
    // An unknown campaign is told as such, and not as one without drift.
    await ports.log.read(campaignId);
    const { createDriftLog } = await import('../../tracking');
    cli.result(driftStatusOf(campaignId, await createDriftLog(ports.objects).read(campaignId)), describe);
  }),
);

const now = verb<[string], object>((cli, _options, campaignId) =>
  withClient(cli, async (client) => {
    const input: DriftWatchInput = { campaignId, occasion: 'asked' };
    const output = await client.workflow.execute<(input: DriftWatchInput) => Promise<DriftWatchOutput>>(
      WORKFLOWS.driftWatch,
      {
        ...{ taskQueue: 'orchestration', workflowId: `${driftWatchId(campaignId)}/asked` },
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `drift of ${campaignId}, asked for`,
        args: [input],
      },
    );
    if (output.nothing) cli.say(`nothing was looked at: ${output.nothing}`);
    else if (output.looks.length === 0) cli.say('no whole window and no batch has come since the last look');
    cli.result({ campaignId, ...output }, ({ looks, asked }) =>
      facts([
        ['looks', looks.map(({ id }) => id).join(', ')],
        ['asked for', asked.join(', ')],
      ]),
    );
  }),
);

const decide = (decision: DecideDrift['decision']) =>
  verb<[string, string], AuthorOptions>((cli, options, campaignId, id) =>
    withCampaign(cli, campaignId, async (handle) => {
      const { author: by, reason } = authorship(options, decision === 'approve' ? 'approved' : 'dismissed');
      const decided = await handle.executeUpdate<{ id: string; decision: string }, [DecideDrift]>(
        UPDATES.decideDrift,
        { args: [{ id, decision, by, reason }] },
      );
      cli.result(decided, (d) => `${d.id}: ${d.decision}`);
    }),
  );

/** Results that a table has room for. */
const SHOWN_RESULTS = 20;

function describeCorrections({ campaignId, action, subject, found, ...made }: CorrectionsOfDoubt): string {
  const { corrections, passedOver } = made;
  const rows = corrections
    .slice(0, SHOWN_RESULTS)
    .map(({ replaces, compoundId, moleculeId, value }) => [
      ...[replaces, compoundId ?? moleculeId, value === undefined ? 'left out' : formatNumber(value)],
    ]);
  return [
    facts([
      ...([
        ['campaign', campaignId],
        ['action', action],
        ['in doubt', subject],
      ] as const),
      ['controls', found.sentence],
      ['results', corrections.length],
    ]),
    table(['in place of', 'molecule', 'value'], rows, 'nothing is left to be corrected'),
    ...(passedOver.length
      ? [
          `passed over:\n${table(
            ['result', 'why'],
            passedOver.map(({ resultId, why }) => [resultId, why]),
          )}`,
        ]
      : []),
  ].join('\n\n');
}

interface CorrectionsOptions {
  readonly output?: string;
}

const corrections = verb<[string, string | undefined], CorrectionsOptions>(
  (cli, { output }, campaignId, id) =>
    withPorts(cli.settings, async (ports) => {
      // An unknown campaign is told as such, and not as one without controls.
      await ports.log.read(campaignId);
      const { correctionsOfDoubt, correctionsToCsv } = await import('../drift/corrections');
      const made = await correctionsOfDoubt(ports, campaignId, id);
      cli.result(made, describeCorrections);
      if (output === undefined) return;
      await writeFileAtomic(output, correctionsToCsv(made.corrections));
      cli.say(`written to ${output}; nothing was posted: titrate results submit ${campaignId} ${output}`);
    }),
);

/** `titrate drift status|now|approve|dismiss|corrections`: the drift of a campaign, and what is done about it. */
export function campaignDriftVerbs(drift: Command): void {
  drift
    .command('status <campaign>')
    .description('what was looked at, what it came to, what was done about it and whether that helped')
    .action(status);
  drift.command('now <campaign>').description('look now, at what has come since the last look').action(now);
  addAuthorOptions(
    drift.command('approve <campaign> <action>').description('let an action be done that waits for it'),
  ).action(decide('approve'));
  addAuthorOptions(
    drift.command('dismiss <campaign> <action>').description('do not do an action that waits'),
  ).action(decide('dismiss'));
  drift
    .command('corrections <campaign> [action]')
    .description(
      'what would have to be posted so that a plate or laboratory that is off counts as its controls say',
    )
    .option('--output <file>', 'write it as a table for: titrate results submit')
    .action(corrections);
}
