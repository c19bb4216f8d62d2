import path from 'node:path';
import { WorkflowIdReusePolicy, type Client } from '@temporalio/client';
import { InvalidArgumentError, type Command } from 'commander';
import pc from 'picocolors';
import {
  TitrateError,
  WORKFLOWS,
  type BatchSheet,
  type CampaignConfig,
  type CampaignOutcome,
} from '../../contracts';
import { packageRoot } from '../../foundation';
import type { Ports } from '../../platform/composition';
import { startLocalStack, type LocalStack } from '../../platform/local-stack';
import { homePaths, loadSettings } from '../../platform/settings';
import { proposeCampaignId, requireSources } from '../campaign-file';
import { withClient } from '../connect';
import { createCli, type Cli, type GlobalOptions } from '../context';
import { followCampaign } from '../demo-progress';
import { runLabSimulator } from '../lab/simulator';
import { withPorts } from '../ports';
import { resolveCampaign } from './campaign';
import { campaignTruth, describeSummary, TOP_FRACTION, writeReport } from './report';
import { narrate, untilAsked } from './up';

const EXAMPLE = path.join('examples', 'solubility');
/** Where the example's measured values stand: the laboratory knows them, the campaign does not. */
const EXAMPLE_TRUTH = [`${EXAMPLE}/measured.csv:logS`, `${EXAMPLE}/measured.sdf:SOL`];

interface DemoOptions extends GlobalOptions {
  readonly rounds?: number;
  readonly seed?: number;
  readonly id?: string;
}

/** Rejects once `signal` is aborted. */
function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(new TitrateError('cancelled', { what: 'the demonstration was stopped' }));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([work, stopped]);
}

async function runDemo(cli: Cli, options: DemoOptions, abort: AbortSignal): Promise<void> {
  const id = options.id ?? proposeCampaignId('solubility', new Date());
  const file = path.join(packageRoot, EXAMPLE, 'campaign.json');
  const resolved = resolveCampaign(file, { ...options, id }, new Date());
  const config = options.rounds
    ? { ...resolved, budget: { ...resolved.budget, rounds: options.rounds } }
    : resolved;
  requireSources(config, cli.settings.workingDirectory);

  cli.say('starting the local stack: Temporal, five workers, the inference server');
  const stack = await startLocalStack({ settings: cli.settings, ports: 'free', signal: abort });
  narrate(stack, cli.say);
  try {
    await withPorts(stack.settings, (ports) =>
      withClient(stack, (client) => playCampaign(cli, { config, stack, ports, client, abort })),
    );
  } finally {
    cli.say('stopping the local stack');
    stack.events.removeAllListeners();
    await stack.stop();
  }
}

interface Stage {
  readonly config: CampaignConfig & { campaignId: string };
  readonly stack: LocalStack;
  readonly ports: Ports;
  readonly client: Client;
  readonly abort: AbortSignal;
}

/** Starts the campaign, plays its laboratory, tells how it goes, and prints what came of it. */
async function playCampaign(cli: Cli, { config, stack, ports, client, abort }: Stage): Promise<void> {
  const { campaignId, objective, budget, acquisition } = config;
  await client.workflow.start(WORKFLOWS.campaign, {
    taskQueue: 'orchestration',
    workflowId: campaignId,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    args: [config],
    staticSummary: config.title,
  });
  cli.say(
    `campaign ${campaignId}: ${objective.direction} ${objective.property}, ${budget.rounds} rounds of ${acquisition.batchSize}`,
  );
  cli.say(
    `Temporal's web page: ${stack.uiUrl}/namespaces/${stack.settings.temporal.namespace}/workflows/${campaignId}`,
  );
  const finished = new AbortController();
  const either = AbortSignal.any([finished.signal, abort]);
  const handle = client.workflow.getHandle(campaignId);
  const following = followCampaign(client, handle, cli.say, either);
  try {
    const truth = await orStopped(campaignTruth(ports, config, EXAMPLE_TRUTH, TOP_FRACTION), abort);
    const laboratory = runLabSimulator({
      client,
      campaignId,
      truth: truth!.values,
      loadSheet: async (sha256) =>
        JSON.parse((await ports.objects.get({ sha256 })).toString('utf8')) as BatchSheet,
      seed: config.seed,
      signal: either,
      say: cli.say,
    });
    // Its failure ends the demonstration; its end does not, since the campaign has its books to close.
    const failure = new Promise<never>((_, reject) => {
      laboratory.catch((error: unknown) => {
        if (!either.aborted) reject(error as Error);
      });
    });
    const outcome = await orStopped(
      Promise.race([handle.result() as Promise<CampaignOutcome>, failure]),
      abort,
    );
    finished.abort();
    await Promise.allSettled([following, laboratory]);
    cli.say(`campaign ended (${outcome.stopReason}); rendering the report`);
    const report = path.join(homePaths(stack.settings).reports, `${campaignId}.html`);
    const summary = await writeReport(ports, campaignId, report, truth);
    cli.result(summary, (s) => `\n${pc.bold(config.title ?? campaignId)}\n${describeSummary(s)}`);
  } finally {
    finished.abort();
  }
}

function rounds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1000)
    throw new InvalidArgumentError('Expected a whole number from 1 to 1000.');
  return value;
}

function seed(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value >= 2 ** 32)
    throw new InvalidArgumentError('Expected a whole number from 0 to 4294967295.');
  return value;
}

/** `titrate demo`, which `npm start` runs: a whole campaign on measured solubilities with a simulated laboratory. */
export function demoVerb(program: Command): void {
  program
    .command('demo')
    .description(
      'run a whole campaign on measured solubilities, with a simulated laboratory, on a stack of its own',
    )
    .option('--rounds <number>', "rounds to run (default: the example's)", rounds)
    .option('--seed <number>', "the seed (default: the example's)", seed)
    .option('--id <id>', 'the campaign id (default: solubility-<UTC time>)')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DemoOptions>();
      const home = path.resolve(options.home ?? path.join(packageRoot, '.titrate', 'demo'));
      const cli = createCli(options, loadSettings({ home, workingDirectory: packageRoot, logLevel: 'info' }));
      const { abort } = untilAsked();
      await runDemo(cli, options, abort);
    });
}
