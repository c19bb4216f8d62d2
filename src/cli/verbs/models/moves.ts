import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import {
  TitrateError,
  UPDATES,
  type ModelMoved,
  type ModelVersion,
  type RollbackModel,
} from '../../../contracts';
import type { Ports } from '../../../platform/composition';
import { addAuthorOptions, authorship, type AuthorOptions } from '../../authorship';
import { reach, withClient } from '../../connect';
import { verb, type Cli } from '../../context';
import { withPorts } from '../../ports';
import { facts } from '../../table';

interface MoveOptions extends AuthorOptions {
  readonly to?: string;
  readonly release?: boolean;
  readonly dryRun?: boolean;
}

const operation = () => `cli/${randomUUID()}`;

/**
 * Asks the campaign, if it runs, so that its history knows of the move.
 * @returns null when no server answers or no such campaign runs: the move is then made in the registry alone
 */
async function askCampaign(cli: Cli, campaignId: string, request: RollbackModel): Promise<ModelMoved | null> {
  const { host, port } = cli.settings.temporal;
  const answers = await reach(host, port).then(
    () => true,
    () => false,
  );
  if (!answers) return null;
  return withClient(cli, async (client) => {
    const handle = client.workflow.getHandle(campaignId);
    const running = await handle.describe().then(
      ({ status }) => status.name === 'RUNNING',
      (error: Error) => {
        if (error.name === 'WorkflowNotFoundError') return false;
        throw error;
      },
    );
    if (!running) return null;
    return handle.executeUpdate<ModelMoved, [RollbackModel]>(UPDATES.rollbackModel, { args: [request] });
  });
}

/** What serves follows at once where a server runs; where none does it is loaded when one starts. */
async function productionOf(ports: Ports) {
  const { createProduction } = await import('../../../rollout');
  const { openDeployer } = await import('../../../platform/rollout');
  return createProduction({ ...ports, deployer: openDeployer(ports.settings, ports, { connectMs: 0 }) });
}

function tell(cli: Cli, moved: ModelMoved): void {
  cli.result(moved, (m) =>
    facts([
      ['from', m.from],
      ['to', m.to],
      ['move', m.move],
      ['held', m.production.held ? 'until it is released' : 'no'],
      ['serving', m.deployment && `${m.deployment.status}: ${m.deployment.message}`],
    ]),
  );
}

/** @returns the version to move to, or null for a dry run, which has said what would happen */
async function checked(
  cli: Cli,
  ports: Ports,
  campaignId: string,
  name: string,
  options: MoveOptions,
): Promise<{ version: ModelVersion; from: string | null } | null> {
  const { storedModel } = await import('../../models/stored-model');
  const version = await ports.registry.resolve(name);
  const from = (await ports.registry.alias(campaignId, 'production'))?.id ?? null;
  if (!options.dryRun) return { version, from };
  const { card } = await storedModel(ports, version.id);
  cli.result({ dryRun: true, campaignId, from, to: version.id, property: card.property }, (d) =>
    facts([
      ['from', d.from],
      ['to', d.to],
    ]),
  );
  cli.say('nothing was moved');
  return null;
}

const promote = verb<[string], MoveOptions>(async (cli, options, name) => {
  await withPorts(cli.settings, async (ports) => {
    const { parseModelName } = await import('../../../tracking');
    const { campaignId } = parseModelName(name);
    const found = await checked(cli, ports, campaignId, name, options);
    if (!found) return;
    const production = await productionOf(ports);
    const head = await production.head(campaignId);
    if (head?.held && !options.release) {
      throw new TitrateError('contradiction', {
        what: `production is held at ${head.version} by ${head.author}: ${head.reason}`,
        where: campaignId,
        remedy: 'Add --release to promote all the same, which ends the hold',
      });
    }
    const { move, deployment } = await production.put({
      ...{ campaignId, version: found.version, operationId: operation(), held: false, expected: found.from },
      ...authorship(options, `promoted ${found.version.id}`),
    });
    const { status, message } = deployment;
    tell(cli, {
      from: move.previous,
      to: move.version,
      move: move.number,
      production: { version: move.version, held: false },
      deployment: { status, message },
    });
  });
});

const rollback = verb<[string], MoveOptions>(async (cli, options, campaignId) => {
  if ((options.to === undefined) === (options.release === undefined)) {
    throw new TitrateError('usage', {
      what: 'give either --to VERSION or --release',
      remedy: 'titrate models rollback --help',
    });
  }
  await withPorts(cli.settings, async (ports) => {
    const { modelNameIn } = await import('../../../tracking');
    const by = authorship(options, options.release ? 'released' : `rollback to ${options.to}`);
    const name = options.to === undefined ? null : modelNameIn(campaignId, options.to);
    const found = name === null ? null : await checked(cli, ports, campaignId, name, options);
    if (name !== null && !found) return;
    const wish: RollbackModel = {
      ...(found ? { to: found.version.id } : { release: true as const }),
      by: by.author,
      reason: by.reason,
    };
    if (options.dryRun) {
      cli.result({ dryRun: true, campaignId, release: true }, () => '');
      cli.say('nothing was released');
      return;
    }
    const asked = await askCampaign(cli, campaignId, wish);
    if (asked) {
      tell(cli, asked);
      cli.say(`${campaignId} runs: its history says who, when and why`);
      return;
    }
    tell(cli, await moveHere(ports, campaignId, found?.version ?? null, by));
    if (found)
      cli.say(`rollouts leave production there until: titrate models rollback ${campaignId} --release`);
  });
});

async function moveHere(
  ports: Ports,
  campaignId: string,
  version: ModelVersion | null,
  by: { author: string; reason: string },
): Promise<ModelMoved> {
  const production = await productionOf(ports);
  if (!version) {
    const move = await production.release(campaignId, { ...by, operationId: operation() });
    const { version: at } = move;
    return {
      from: move.previous,
      to: at,
      move: move.number,
      production: { version: at, held: false },
      deployment: null,
    };
  }
  const { loadModel } = await import('../../../serving');
  // Loaded first: production must not be held at a version that can no longer predict.
  const parts = { ...ports, chemistry: ports.chemistry(), learning: ports.learning() };
  (await loadModel(parts, version)).dispose();
  const { move, deployment } = await production.put({
    ...{ campaignId, version, operationId: operation(), held: true },
    ...by,
  });
  const { status, message } = deployment;
  return {
    from: move.previous,
    to: move.version,
    move: move.number,
    production: { version: move.version, held: true },
    deployment: { status, message },
  };
}

export function moveVerbs(models: Command): void {
  addAuthorOptions(
    models
      .command('promote <version>')
      .description("put a version ('solubility-42/v3', 'solubility-42@candidate') into production")
      .option('--release', 'also where somebody holds another version; the hold ends')
      .option('--dry-run', 'say what would change'),
  ).action(promote);
  addAuthorOptions(
    models
      .command('rollback <campaign>')
      .description('put an earlier version into production and hold it there; a running campaign is asked')
      .option('--to <version>', "'v3', or '@candidate'")
      .option('--release', 'instead: let rollouts move production again')
      .option('--dry-run', 'say what would change'),
  ).action(rollback);
}
