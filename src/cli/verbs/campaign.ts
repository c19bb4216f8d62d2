import { WorkflowIdReusePolicy } from '@temporalio/client';
import { InvalidArgumentError, type Command } from 'commander';
import {
  QUERIES,
  SIGNALS,
  UPDATES,
  WORKFLOWS,
  type CampaignConfig,
  type CampaignHistory,
  type CampaignStatus,
  type DataMoved,
  type ModelMoved,
  type RollbackData,
  type RollbackModel,
} from '../../contracts';
import { frontWords } from '../../campaign';
import { proposeCampaignId, readCampaignFile, requireCampaignId, requireSources } from '../campaign-file';
import { soon, withCampaign, withClient } from '../connect';
import { verb } from '../context';
import { facts, formatNumber, table } from '../table';

interface StartOptions {
  readonly id?: string;
  readonly seed?: number;
  readonly dryRun?: boolean;
  readonly sourceCheck: boolean;
}

function seed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value >= 2 ** 32)
    throw new InvalidArgumentError('Expected a whole number from 0 to 4294967295.');
  return value;
}

/** The configuration as it will run: id, seed and every default filled in. */
export function resolveCampaign(
  file: string,
  options: Pick<StartOptions, 'id' | 'seed'>,
  now: Date,
): CampaignConfig & { campaignId: string } {
  const config = readCampaignFile(file);
  const name = config.title ?? config.objective.property;
  const campaignId = requireCampaignId(options.id ?? config.campaignId ?? proposeCampaignId(name, now));
  return { ...config, campaignId, seed: options.seed ?? config.seed };
}

const startCampaign = verb<[string], StartOptions>(async (cli, options, file) => {
  const config = resolveCampaign(file, options, new Date());
  if (options.sourceCheck) requireSources(config, cli.settings.workingDirectory);
  if (options.dryRun) {
    cli.result(
      { dryRun: true, campaignId: config.campaignId, config },
      (v) => `${JSON.stringify(v.config, null, 2)}\n`,
    );
    cli.say(`nothing was started; without --dry-run this would start campaign ${config.campaignId}`);
    return;
  }
  await withClient(cli, async (client) => {
    const handle = await client.workflow.start(WORKFLOWS.campaign, {
      taskQueue: 'orchestration',
      workflowId: config.campaignId,
      // A campaign's records are kept under its id for good: the id of a finished one is not free either.
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      args: [config],
      staticSummary: config.title ?? `${config.objective.direction} ${config.objective.property}`,
    });
    const started = { campaignId: handle.workflowId, runId: handle.firstExecutionRunId, seed: config.seed };
    cli.result(started, (s) => s.campaignId);
    cli.say(`started; follow it with: titrate campaign status ${handle.workflowId}`);
  });
});

function describeStatus(status: CampaignStatus): string {
  const { intake } = status;
  return facts([
    ['campaign', status.campaignId],
    ['title', status.title],
    ['stage', `${status.stage}${status.stopReason ? ` (${status.stopReason})` : ''}`],
    // After the last batch a closing round learns from what came back.
    ['round', `${Math.min(status.round, status.rounds)} of ${status.rounds}`],
    ['pool', `${status.poolSize} molecules, ${status.dataVersion ?? 'not read yet'}`],
    ['data branch', status.dataBranch],
    ['labels', status.labels],
    ['best', status.best],
    ['front', status.front === undefined ? null : frontWords(status.front)],
    ['model', status.modelVersion],
    ['held in production', status.heldModel],
    [
      'batch',
      status.batchId && `${status.batchId}: ${status.outstanding} of ${status.batchSize} outstanding`,
    ],
    [
      'results',
      `${intake.received} received, ${intake.accepted} accepted, ${intake.duplicates} duplicates, ${intake.rejected} rejected`,
    ],
    ['now', status.message],
  ]);
}

function describeRounds({ rounds }: CampaignHistory): string {
  const several = rounds.some(({ front }) => front !== undefined);
  return table(
    [
      'round',
      'labels',
      'best',
      ...(several ? ['front'] : []),
      'family',
      'held-out RMSE',
      'coverage 90 %',
      'model',
      'deployment',
      'batch',
      'seal',
    ],
    rounds.map((r) => [
      r.round,
      r.labels,
      r.best,
      ...(several ? [r.front && `${r.front.size} (${formatNumber(r.front.hypervolume)})`] : []),
      r.family,
      r.metrics && Number(formatNumber(r.metrics.rmse)),
      r.metrics && Number(formatNumber(r.metrics.coverage90)),
      r.modelVersion,
      r.deployment?.status,
      r.batchSize,
      r.seal?.slice(0, 8),
    ]),
    'no round has finished yet',
  );
}

const showStatus = verb<[string], object>(async (cli, _options, campaignId) => {
  await withCampaign(cli, campaignId, async (handle, client) => {
    const [status, history] = await soon(client, () =>
      Promise.all([
        handle.query<CampaignStatus>(QUERIES.status),
        handle.query<CampaignHistory>(QUERIES.history),
      ]),
    );
    cli.result({ ...status, history }, () => `${describeStatus(status)}\n\n${describeRounds(history)}`);
  });
});

const listCampaigns = verb<[], object>(async (cli) => {
  await withClient(cli, async (client) => {
    const campaigns: {
      campaignId: string;
      state: string;
      startedAt: string;
      closedAt: string | null;
      stage: string | null;
      round: number | null;
      best: number | null;
    }[] = [];
    // Every round continues as a new run; the run that has not is the campaign.
    const query = `WorkflowType = '${WORKFLOWS.campaign}' AND ExecutionStatus != 'ContinuedAsNew'`;
    for await (const execution of client.workflow.list({ query })) {
      const attribute = (name: string) => execution.searchAttributes[name]?.[0] ?? null;
      campaigns.push({
        campaignId: execution.workflowId,
        state: execution.status.name.toLowerCase().replaceAll('_', ' '),
        startedAt: execution.startTime.toISOString(),
        closedAt: execution.closeTime?.toISOString() ?? null,
        stage: attribute('CampaignStage') as string | null,
        round: attribute('CampaignRound') as number | null,
        best: attribute('BestValue') as number | null,
      });
    }
    cli.result(campaigns, (rows) =>
      table(
        ['campaign', 'state', 'stage', 'round', 'best', 'running since'],
        rows.map((c) => [c.campaignId, c.state, c.stage, c.round, c.best, c.startedAt]),
        'no campaigns',
      ),
    );
  });
});

interface ByOptions {
  readonly reason?: string;
  readonly by?: string;
}

const signalVerb = (signal: string, done: string) =>
  verb<[string], ByOptions>(async (cli, { reason, by }, campaignId) => {
    await withCampaign(cli, campaignId, (handle) =>
      handle.signal(signal, { reason, by: by ?? process.env.USER }),
    );
    cli.result({ campaignId, signal }, () => '');
    cli.say(`${campaignId}: ${done}`);
  });

const approve = verb<[string], ByOptions & { batch?: string }>(
  async (cli, { reason, by, batch }, campaignId) => {
    const approved = await withCampaign(cli, campaignId, (handle) =>
      handle.executeUpdate<{ batchId: string }, [object]>(UPDATES.approveBatch, {
        args: [{ batchId: batch, reason, by: by ?? process.env.USER }],
      }),
    );
    cli.result(approved, ({ batchId }) => batchId);
  },
);

const moveData = verb<[string], ByOptions & { to: string }>(async (cli, { reason, by, to }, campaignId) => {
  const moved = await withCampaign(cli, campaignId, (handle) =>
    handle.executeUpdate<DataMoved, [RollbackData]>(UPDATES.rollbackData, {
      args: [{ to, by: by ?? process.env.USER ?? 'unknown', reason: reason ?? 'no reason given' }],
    }),
  );
  cli.result(moved, (m) =>
    facts([
      ['branch', m.branch],
      ['data', m.to],
      ['version', m.dataVersion],
      ['results', m.results],
    ]),
  );
  cli.say(`${campaignId}: the next round learns from it; --to latest takes everything back in`);
});

const moveModel = verb<[string], ByOptions & { to?: string; release?: true }>(
  async (cli, { reason, by, to, release }, campaignId) => {
    const moved = await withCampaign(cli, campaignId, (handle) =>
      handle.executeUpdate<ModelMoved, [RollbackModel]>(UPDATES.rollbackModel, {
        args: [{ to, release, by: by ?? process.env.USER ?? 'unknown', reason: reason ?? 'no reason given' }],
      }),
    );
    cli.result(moved, (m) =>
      facts([
        ['from', m.from],
        ['to', m.to],
        ['held', m.production.held ? 'until it is released' : 'no'],
        ['serving', m.deployment && `${m.deployment.status}: ${m.deployment.message}`],
      ]),
    );
    if (moved.production.held) cli.say(`${campaignId}: later rollouts leave it there until --release`);
  },
);

/** `titrate campaign …`. */
export function campaignVerbs(program: Command): void {
  const campaign = program.command('campaign').description('start, follow and steer campaigns');
  campaign
    .command('start <file>')
    .description('start a campaign from a JSON or YAML file; prints its id')
    .option('--id <id>', 'the campaign id (default: from the title and the time)')
    .option('--seed <number>', "the seed (default: the file's)", seed)
    .option('--dry-run', 'check everything, print the full configuration, start nothing')
    .option('--no-source-check', 'the sources lie where the workers run, not here')
    .action(startCampaign);
  campaign.command('status <id>').description('where a campaign stands, and its rounds').action(showStatus);
  campaign.command('list').description('all campaigns of the server').action(listCampaigns);
  const steer = (name: string, description: string, action: (...args: unknown[]) => Promise<void>) =>
    campaign
      .command(`${name} <id>`)
      .description(description)
      .option('--reason <text>', "why, for the campaign's history")
      .option('--by <name>', 'who asks (default: $USER)')
      .action(action);
  steer(
    'pause',
    'start nothing new until resumed',
    signalVerb(SIGNALS.pause, 'will pause after what runs now'),
  );
  steer('resume', 'go on', signalVerb(SIGNALS.resume, 'goes on'));
  steer(
    'stop',
    'end the campaign with what is known',
    signalVerb(SIGNALS.stop, 'will end with what is known'),
  );
  steer(
    'rollback-data',
    'let the coming rounds learn from other data; nothing is deleted',
    moveData,
  ).requiredOption(
    '--to <version>',
    "'round/N' or 'cut_…' (the results that round knew), 'data_…' or 'name@tag' (another pool), 'latest' (every result, on the pool it began with)",
  );
  steer(
    'rollback-model',
    'put a model version into production and hold it there, whatever the coming rounds train',
    moveModel,
  )
    .option('--to <version>', "'v3', or '@candidate'")
    .option('--release', 'instead: let rollouts move production again');
  steer('approve', 'approve the batch that waits for it', approve).option(
    '--batch <id>',
    'only if this batch is the one that waits',
  );
}
