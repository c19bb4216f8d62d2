import { readdirSync, readFileSync } from 'node:fs';
import type { Client, WorkflowHandle } from '@temporalio/client';
import {
  rolloutConfigSchema,
  type ModelCard,
  type ModelVersion,
  type RolloutStatus,
} from '../../src/contracts';
import { isAlive, type LocalStack } from '../../src/platform/local-stack';
import { createLocalDeployer, createProduction, PRODUCTION, trialPointer } from '../../src/rollout';
import type { TrialStatus } from '../../src/serving';
import type { RolloutInput, RolloutOutput } from '../../workflows/rollout';
import { ask, MOLECULES, openWorld, type World } from '../serving/support/world';
import { eventually } from '../support/eventually';
import { openRolloutStack, type RolloutStack } from '../rollout/support/stack';

/**
 * kill -9 of what a rollout on trial stands on: its deploy worker, its candidate's process, the inference server. Real processes under
 * the supervisor that `titrate up` uses; requests go on all the while. Version 2 predicts a hundred more than version 1.
 */

/** So many requests are never made: it is watched until somebody approves. */
const WITHOUT_END = 1_000_000_000;
const STEP = { mode: 'canary', share: 50, watch: '1s', within: '5 minutes', requests: WITHOUT_END };
const PATIENCE = { seconds: 60, every: 25 };

let world: World;
let stack: LocalStack;
let opened: RolloutStack;
let client: Client;
let cards: ModelCard[];
let campaigns = 0;

beforeAll(async () => {
  world = await openWorld();
  const trained = [await world.train('trained'), await world.train('trained', 100)];
  cards = (await Promise.all(trained.map((version) => world.registry.card(version)))) as ModelCard[];
  opened = await openRolloutStack(world);
  ({ stack, client } = opened);
}, 120_000);
afterAll(async () => {
  await opened?.close();
  await world.close();
}, 60_000);

interface Begun {
  readonly campaignId: string;
  readonly versions: readonly [ModelVersion, ModelVersion];
  readonly handle: WorkflowHandle;
  /** Stops asking. */
  readonly rest: () => Promise<void>;
}

const deployer = () => createLocalDeployer({ ...world, endpoint: stack.inferenceUrl });

/** Version 1 serves and is asked; a rollout of version 2 begins, as `titrate deploy` starts one, and goes on when it is told to. */
async function begin(): Promise<Begun> {
  const campaignId = `killed-${(campaigns += 1)}`;
  const register = (index: number) =>
    world.registry.register(campaignId, { ...cards[index]!, campaignId }, `register/${index}`);
  const versions = [await register(0), await register(1)] as const;
  const by = { author: 'ada', reason: 'first' };
  const production = createProduction({ ...world, deployer: deployer() });
  await production.put({ ...by, campaignId, version: versions[0], operationId: 'first', held: false });
  const rest = keepAsking(campaignId);
  const input: RolloutInput = {
    ...{ campaignId, round: 2, version: versions[1], notify: null },
    // The same molecules a hundred higher: in a canary that is a shift, which is not what is looked at here.
    limits: rolloutConfigSchema.parse({
      ...{ steps: [STEP], notEnoughData: 'hold' },
      trial: { maxShift: 1e6, maxLatencyRatio: 1000 },
    }),
    asked: { by: 'ada', reason: 'by hand', operationId: `cli/${campaignId}` },
  };
  const handle = await client.workflow.start('rollout', {
    ...{ taskQueue: 'orchestration', workflowId: `${versions[1].id}/rollout`, args: [input] },
  });
  return { campaignId, versions, handle, rest };
}

const predict = (model: string, at = 0) =>
  ask(`${stack.inferenceUrl}/predict`, { model, smiles: [MOLECULES[at % MOLECULES.length]] });

/** One request after the other; while the server is dead they fail, and go on. */
function keepAsking(campaignId: string): () => Promise<void> {
  let on = true;
  const asking = (async () => {
    for (let at = 0; on; at++)
      await predict(campaignId, at).catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
  })();
  return async () => {
    on = false;
    await asking;
  };
}

const state = ({ handle }: Begun) => handle.query<RolloutStatus>('rollout');
const inPhase = (begun: Begun, phase: RolloutStatus['phase']) =>
  eventually(
    () => state(begun),
    (status) => status.phase === phase,
    PATIENCE,
  );
const trialOf = async ({ campaignId }: Begun) =>
  (await ask(`${stack.inferenceUrl}/v2/models/${campaignId}/trial`)).body as TrialStatus;
const candidateOf = async (begun: Begun, ...states: TrialStatus['state'][]) => {
  const found = await eventually(
    () => trialOf(begun),
    ({ pid, state: now }) => pid !== null && states.includes(now),
    PATIENCE,
  );
  return found.pid!;
};

/** Processes of this machine that try a version of the campaign. */
function candidatesOf(campaignId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.some((word) => word.startsWith(`${campaignId}/v`)) && isAlive(Number(pid));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** How it ended, once everything that can be asked says the same. */
async function ended(begun: Begun): Promise<RolloutOutput> {
  const { campaignId, handle } = begun;
  const outcome = (await handle.result()) as RolloutOutput;
  await begun.rest();
  const { phase, message } = await state(begun);
  expect({ phase, message }).toEqual({ phase: 'ended', message: `${outcome.status}: ${outcome.message}` });
  const standing = begun.versions[outcome.status === 'deployed' ? 1 : 0];
  expect((await world.registry.alias(campaignId, PRODUCTION))!.id).toBe(standing.id);
  await stack.whenReady('inference');
  const observed = await eventually(
    () => deployer().observe(campaignId),
    ({ status }) => status === 'ready',
    PATIENCE,
  );
  expect(observed).toMatchObject({ version: standing.id, candidate: null });
  const answers = await Promise.all(Array.from({ length: 20 }, () => predict(campaignId)));
  const seen = new Set(answers.map(({ body }) => `${campaignId}/${(body as { version: string }).version}`));
  expect([...seen]).toEqual([standing.id]);
  await eventually(
    async () => candidatesOf(campaignId),
    (alive) => alive.length === 0,
    PATIENCE,
  );
  return outcome;
}
const targets = async ({ campaignId }: Begun) =>
  (await world.pointers.entries(trialPointer(campaignId))).map(({ target }) => target);

const steps = ({ versions }: Begun) => [`${versions[1].id} canary 50`, 'none'];

/** Several campaigns side by side: each kill meets one rollout here and another one there. */
test('the deploy worker: each step is taken once; with the candidate: rolled back, and the reason is told', async () => {
  const watched = await begin();
  await inPhase(watched, 'watching');
  const pid = await candidateOf(watched, 'ready');
  // It goes on when it is told to, so that no kill comes too late for it.
  const waiting = await begin();
  await candidateOf(waiting, 'starting', 'ready');
  stack.kill('deploy');
  process.kill(pid, 'SIGKILL');
  expect(await ended(watched)).toMatchObject({
    status: 'rolled-back',
    message: expect.stringMatching(/^rolled back by process \(.*its process ended on SIGKILL/),
    verdicts: [{ check: 'process', verdict: 'bad' }],
  });
  await inPhase(waiting, 'watching');
  stack.kill('deploy');
  await waiting.handle.signal('approveRollout', { by: 'ada' });
  expect(await ended(waiting)).toMatchObject({ status: 'deployed' });
  for (const one of [watched, waiting]) expect(await targets(one)).toEqual(steps(one));
}, 120_000);

test('the inference server: candidates end with it, ready or not, and their trials go on in the next one', async () => {
  const watched = await begin();
  await inPhase(watched, 'watching');
  const ready = await candidateOf(watched, 'ready');
  const waiting = await begin();
  const loading = await candidateOf(waiting, 'starting', 'ready');
  stack.kill('inference');
  for (const pid of [ready, loading])
    await eventually(
      async () => isAlive(pid),
      (alive) => !alive,
      PATIENCE,
    );
  for (const one of [watched, waiting]) {
    await candidateOf(one, 'ready');
    await one.handle.signal('approveRollout', { by: 'ada' });
  }
  for (const one of [watched, waiting]) {
    expect(await ended(one)).toMatchObject({ status: 'deployed' });
    expect(await targets(one)).toEqual(steps(one));
  }
}, 120_000);
