import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Command } from 'commander';
import {
  manualRolloutId,
  parseWith,
  QUERIES,
  ROLLOUT_DECISIONS,
  rolloutConfigSchema,
  TitrateError,
  WORKFLOWS,
  type RolloutConfig,
  type RolloutDecision,
  type RolloutStatus,
  type RoundSummary,
} from '../../contracts';
import type { Ports } from '../../platform/composition';
import { addAuthorOptions, authorship, type AuthorOptions } from '../authorship';
import { reach, soon, withClient } from '../connect';
import { verb, type Cli } from '../context';
import { withPorts } from '../ports';
import { facts } from '../table';

interface DeployOptions extends AuthorOptions {
  readonly canary?: string;
  readonly shadow?: boolean;
  readonly steps?: string;
  readonly watch?: string;
  readonly requests?: string;
  readonly approval?: string;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

/** `shadow:100,canary:5,canary:25` from --steps, or what --shadow and --canary 5,25 mean. Undefined: nothing was said. */
function stepsOf(options: DeployOptions): { mode: string; share: number }[] | undefined {
  const { canary, shadow, steps } = options;
  if (steps !== undefined && (canary !== undefined || shadow))
    throw new TitrateError('usage', { what: 'give either --steps, or --shadow and --canary' });
  const share = (text: string) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN);
  if (steps !== undefined) {
    return steps === 'none'
      ? []
      : steps.split(',').map((step) => {
          const [mode, percent] = step.split(':');
          return { mode: mode!, share: share(percent ?? '') };
        });
  }
  if (canary === undefined && !shadow) return undefined;
  return [
    ...(shadow ? [{ mode: 'shadow', share: 100 }] : []),
    ...(canary ?? '')
      .split(',')
      .filter(Boolean)
      .map((percent) => ({ mode: 'canary', share: share(percent) })),
  ];
}

/** What the campaign says of rollouts, with what the options say instead. */
async function limitsOf(ports: Ports, campaignId: string, options: DeployOptions): Promise<RolloutConfig> {
  const standing = await ports.log.read(campaignId).then(
    ({ config }) => config.rollout,
    (error: unknown) => {
      // A model that was trained from a file belongs to no campaign.
      if (error instanceof TitrateError && error.code === 'not-found') return {};
      throw error;
    },
  );
  const steps = stepsOf(options);
  const more = {
    ...(options.watch !== undefined && { watch: options.watch }),
    ...(options.requests !== undefined && { requests: Number(options.requests) }),
  };
  const whole = parseWith(
    rolloutConfigSchema,
    {
      ...standing,
      ...(steps && { steps }),
      ...(options.approval !== undefined && { approval: options.approval }),
    },
    'options of deploy',
    'usage',
  );
  const changed = { ...whole, steps: whole.steps.map((step) => ({ ...step, ...more })) };
  return parseWith(rolloutConfigSchema, changed, 'options of deploy', 'usage');
}

const start = verb<[string | undefined], DeployOptions>(async (cli, options, name) => {
  if (name === undefined) {
    throw new TitrateError('usage', {
      what: "name a version to deploy, such as 'solubility-42/v3'",
      remedy: 'titrate deploy --help',
    });
  }
  return withPorts(cli.settings, async (ports) => {
    const { parseModelName } = await import('../../tracking');
    const version = await ports.registry.resolve(name);
    const { campaignId } = parseModelName(version.id);
    const card = await ports.registry.card(version);
    const limits = await limitsOf(ports, campaignId, options);
    const { author, reason } = authorship(options, `deploy ${version.id}`);
    const workflowId = manualRolloutId(version.id);
    if (options.dryRun) {
      cli.result({ dryRun: true, workflowId, version: version.id, steps: limits.steps }, (d) =>
        facts([['version', d.version], ...stepFacts(limits)]),
      );
      cli.say('nothing was started');
      return 0;
    }
    return withClient(cli, async (client) => {
      const asked = { by: author, reason, operationId: `cli/${randomUUID()}` };
      const input = { campaignId, round: card.round, version, limits, notify: null, asked };
      const handle = await begin(client, workflowId, input);
      cli.say(`${version.id} is being rolled out: titrate deploy status ${campaignId}`);
      if (!options.wait) {
        cli.result({ workflowId, runId: handle.firstExecutionRunId, version: version.id }, (d) =>
          facts([['workflow', d.workflowId], ['version', d.version], ...stepFacts(limits)]),
        );
        return 0;
      }
      const outcome = (await handle.result()) as NonNullable<RoundSummary['deployment']>;
      cli.result({ version: version.id, ...outcome }, (o) =>
        facts([
          ['version', o.version],
          ['status', o.status],
          ['message', o.message],
        ]),
      );
      return outcome.status === 'deployed' ? 0 : 1;
    });
  });
});

async function begin(client: Client, workflowId: string, input: object) {
  try {
    return await client.workflow.start(WORKFLOWS.rollout, {
      taskQueue: 'orchestration',
      workflowId,
      args: [input],
      staticSummary: `rollout by hand: ${workflowId}`,
    });
  } catch (error) {
    if ((error as Error).name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    throw new TitrateError(
      'conflict',
      { what: 'this version is being rolled out already', where: workflowId },
      { cause: error },
    );
  }
}

const stepFacts = ({ steps, approval }: RolloutConfig): [string, string][] => [
  ['steps', steps.map(({ mode, share }) => `${mode} ${share} %`).join(', ') || 'none: gates alone'],
  ['approval', approval],
];

/** The rollouts of a campaign that are under way, the newest first. */
async function underWay(client: Client, campaignId: string): Promise<WorkflowHandle[]> {
  const found: { id: string; at: Date }[] = [];
  const query = `WorkflowType = '${WORKFLOWS.rollout}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, startTime } of client.workflow.list({ query }))
    if (workflowId.startsWith(`${campaignId}/`)) found.push({ id: workflowId, at: startTime });
  return found.sort((a, b) => b.at.getTime() - a.at.getTime()).map(({ id }) => client.workflow.getHandle(id));
}

const status = verb<[string], object>(async (cli, _options, campaignId) => {
  const serving = await withPorts(cli.settings, async (ports) => {
    const moves = await ports.registry.aliasMoves(campaignId, 'production');
    const head = moves.at(-1) ?? null;
    const observed = await ports.deployer.observe(campaignId);
    return { production: head && { version: head.version, held: head.held }, observed };
  });
  const rollouts = await statesOf(cli, campaignId);
  cli.result({ campaignId, ...serving, rollouts }, (seen) => {
    const { production, observed } = seen;
    return [
      facts([
        ['production', production && `${production.version}${production.held ? ', held' : ''}`],
        ['serving', observed.message],
        ['on trial', observed.candidate && `${observed.candidate.version}: ${observed.candidate.message}`],
      ]),
      ...(seen.rollouts ?? []).map(describe),
    ].join('\n\n');
  });
  if (rollouts === null) cli.say('no Temporal server answers: rollouts that are under way are not shown');
});

/** Null where no server answers. */
async function statesOf(cli: Cli, campaignId: string): Promise<RolloutStatus[] | null> {
  const { host, port } = cli.settings.temporal;
  const answers = await reach(host, port).then(
    () => true,
    () => false,
  );
  if (!answers) return null;
  return withClient(cli, async (client) =>
    Promise.all(
      (await underWay(client, campaignId)).map((handle) =>
        soon(client, () => handle.query<RolloutStatus>(QUERIES.rollout)),
      ),
    ),
  );
}

function describe(state: RolloutStatus): string {
  const { step } = state;
  return facts([
    ['rollout of', state.version],
    ['phase', state.phase],
    ['step', step && `${step.number} of ${step.of}: ${step.mode} ${step.share} %, until ${step.deadline}`],
    ['gates', state.gates.map(({ gate, passed }) => `${gate} ${passed ? 'passed' : 'failed'}`).join(', ')],
    ...state.figures.map((one): [string, string] => [
      one.version,
      `${Math.round(one.requests)} requests, ${Math.round(one.errors)} errors`,
    ]),
    ...state.verdicts.map((one): [string, string] => [one.check, `${one.verdict}: ${one.evidence}`]),
    ['message', state.message],
  ]);
}

interface DecisionOptions extends AuthorOptions {
  readonly rolloutVersion?: string;
}

const decide = (kind: keyof typeof ROLLOUT_DECISIONS) =>
  verb<[string], DecisionOptions>(async (cli, options, campaignId) => {
    await withClient(cli, async (client) => {
      const [newest] = await underWay(client, campaignId);
      if (!newest) {
        throw new TitrateError('not-found', {
          what: `no rollout of '${campaignId}' is under way`,
          remedy:
            kind === 'rollback'
              ? `What serves goes back by: titrate models rollback ${campaignId} --to VERSION`
              : `See titrate deploy status ${campaignId}`,
        });
      }
      const { author: by, reason } = authorship(options, kind === 'approve' ? 'approved' : 'rolled back');
      const decision = { by, reason, version: options.rolloutVersion };
      const state = await newest.executeUpdate<RolloutStatus, [RolloutDecision]>(ROLLOUT_DECISIONS[kind], {
        args: [decision],
      });
      cli.result(state, describe);
    });
  });

/** `titrate deploy`: a rollout by hand, how rollouts stand, and what a person decides of them. */
export function deployVerbs(program: Command): void {
  const deploy = addAuthorOptions(
    program
      .command('deploy')
      .description(
        'roll a model version out: gates, trial, promotion; or see and decide how a rollout goes on',
      )
      .argument('[model]', "'solubility-42/v3', or 'solubility-42@candidate'")
      .option('--canary <shares>', 'percent of the requests, one step each: 10 or 5,25,50')
      .option('--shadow', 'begin with a copy of every request')
      .option(
        '--steps <steps>',
        "all of it in one: shadow:100,canary:5,canary:50; 'none' promotes on the gates",
      )
      .option('--watch <duration>', 'watch each step for so long at least')
      .option('--requests <number>', 'requests that are enough in each step')
      .option('--approval <how>', "'manual' waits for titrate deploy approve")
      .option('--wait', 'until it has ended; exit code 1 unless it was deployed')
      .option('--dry-run', 'say what would be done'),
  ).action(start);
  deploy
    .command('status <campaign>')
    .description('what serves, what is on trial, and how rollouts stand')
    .action(status);
  const decision = (name: keyof typeof ROLLOUT_DECISIONS, description: string) =>
    addAuthorOptions(
      deploy
        .command(`${name} <campaign>`)
        .description(description)
        .option('--rollout-version <version>', 'only if this version is the one that is rolled out'),
    ).action(decide(name));
  decision('approve', 'promote what is on trial, or waits for it');
  decision('rollback', 'take back what is on trial');
}
