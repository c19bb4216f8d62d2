import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import type { CampaignHistory, ModelMoved, ModelVersion } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { findTemporalCli, type LocalStack } from '../../src/platform/local-stack';
import { createLocalDeployer, createProduction } from '../../src/rollout';
import { ask, openWorld, type World } from '../serving/support/world';
import { openRolloutStack, type RolloutStack } from './support/stack';

/**
 * Live traffic goes back by one command of a person: titrate's own, or the temporal CLI alone. Each command answers once the server
 * answers with the earlier version, so the first request after it is its proof. The processes are those of `titrate up`; the campaign
 * waits for its pool, whose worker does not run here.
 */
const CAMPAIGN = 'solubility-42';
const run = promisify(execFile);

let world: World;
let stack: LocalStack;
let opened: RolloutStack;
let client: Client;
let versions: ModelVersion[];
let operations = 0;

beforeAll(async () => {
  world = await openWorld();
  versions = [
    await world.train(CAMPAIGN),
    await world.train(CAMPAIGN, 100),
    await world.train(CAMPAIGN, 200),
  ];
  opened = await openRolloutStack(world);
  ({ stack, client } = opened);
  await client.workflow.start('activeLearningCampaign', {
    ...{ taskQueue: 'orchestration', workflowId: CAMPAIGN },
    args: [
      { objective: { property: 'logS', direction: 'maximize' }, pool: { sources: [{ uri: 'pool.csv' }] } },
    ],
  });
}, 120_000);
afterAll(async () => {
  await opened?.close();
  await world.close();
}, 60_000);

/** Version 2 serves, and version 3 answers half of the requests on trial. */
beforeEach(async () => {
  const by = { campaignId: CAMPAIGN, author: 'ada', reason: 'test' };
  const deployer = createLocalDeployer({ ...world, endpoint: stack.inferenceUrl });
  const production = createProduction({ ...world, deployer });
  const operationId = `op/${(operations += 1)}`;
  await production.put({ ...by, operationId, version: versions[1]!, held: false });
  await deployer.trial({
    ...{ ...by, operationId: `${operationId}/trial` },
    candidate: { version: versions[2]!, mode: 'canary', share: 50 },
  });
  expect(await answering()).toEqual(['v2', 'v3']);
});

/** The versions that answer now. */
async function answering(): Promise<string[]> {
  const body = { model: CAMPAIGN, smiles: ['CCO'] };
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => ask(`${stack.inferenceUrl}/predict`, body)),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  return [...new Set(answers.map((answer) => (answer.body as { version: string }).version))].sort();
}

async function titrate(...args: string[]): Promise<ModelMoved> {
  const { temporal, inference } = stack.settings;
  const env = {
    ...process.env,
    TITRATE_HOME: world.directory,
    TITRATE_TEMPORAL_PORT: String(temporal.port),
    TITRATE_INFERENCE_PORT: String(inference.port),
  };
  const { stdout } = await run(process.execPath, [compiledEntry('src/cli/main'), '--json', ...args], { env });
  return JSON.parse(stdout) as ModelMoved;
}
const history = () => client.workflow.getHandle(CAMPAIGN).query<CampaignHistory>('history');

test('temporal workflow update, alone', async () => {
  const input = JSON.stringify({ to: 'v1', by: 'ada', reason: 'odd' });
  const where = ['--workflow-id', CAMPAIGN, '--address', stack.address];
  await run(findTemporalCli().path, [
    ...['workflow', 'update', 'execute', ...where, '--name', 'rollbackModel', '--input', input],
  ]);
  expect(await answering()).toEqual(['v1']);
  expect(JSON.stringify(await history())).toContain(
    'production rolled from solubility-42/v2 to solubility-42/v1 and held there by ada: odd',
  );
});

test('titrate models rollback: by the campaign while it runs, and by itself afterwards', async () => {
  const moved = { from: versions[1]!.id, to: versions[0]!.id, production: { held: true } };
  const rollback = ['models', 'rollback', CAMPAIGN, '--to', 'v1', '--reason'];
  expect(await titrate(...rollback, 'a bad plate')).toMatchObject(moved);
  expect(await answering()).toEqual(['v1']);
  expect(JSON.stringify(await history())).toContain('a bad plate');

  await client.workflow.getHandle(CAMPAIGN).terminate();
  expect(await titrate('models', 'rollback', CAMPAIGN, '--to', 'v2')).toMatchObject({ to: versions[1]!.id });
  expect(await answering()).toEqual(['v2']);
});
